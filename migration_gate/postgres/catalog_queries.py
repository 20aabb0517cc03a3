"""What a schema consists of, asked of PostgreSQL's catalogs: one query for each kind of object.

Each query gives rows of schema, table ("" where the object belongs to none), name, and then the facets of its
definition, NULL for one that it does not have or that is PostgreSQL's default. Wherever PostgreSQL has a function that
prints the definition, the facet is what it prints, so that two ways to say the same thing are one.

Source: PostgreSQL's documentation, chapter "System Catalogs"; "System Information Functions and Operators", tables
"System Catalog Information Functions" (``pg_get_constraintdef`` and its like) and "Object Information and Addressing
Functions". Left out: what ``pg_depend`` marks as an extension's member (deptype ``e``), and temporary objects.
"""

from __future__ import annotations

# Sessions may be set up in many ways, and some change what PostgreSQL prints: names without their schema, dates and
# floating-point numbers in constants, quotes. pg_dump begins in the same way.
PRINTED = """
SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL timezone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex'
"""


def queries(major: int) -> dict[str, str]:
    """SQL by kind, in the order in which differences are told, for a server of a major version (12 to 18)."""
    return {
        "schema": _SCHEMAS,
        "extension": _EXTENSIONS,
        "enum": _ENUMS,
        "domain": _DOMAINS,
        "composite": _COMPOSITES,
        "range": _RANGES,
        "sequence": _SEQUENCES,
        "table": _TABLES,
        "column": _columns(major),
        "constraint": _CONSTRAINTS,
        "index": _INDEXES,
        "view": _views("v"),
        "materialized view": _views("m"),
        "function": _routines("f", "w"),
        "procedure": _routines("p"),
        "trigger": _triggers(major),
        "policy": _POLICIES,
        "rule": _RULES,
        "statistics": _STATISTICS,
        "default privileges": _DEFAULT_PRIVILEGES,
    }


def _own(catalog: str, alias: str) -> str:
    """The condition that an object is the project's: of a schema ``n`` that is not PostgreSQL's, and no extension's."""
    return f"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND {_no_member(catalog, alias)}"


def _no_member(catalog: str, alias: str) -> str:
    return (
        f"NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{catalog}'::regclass"
        f" AND e.objid = {alias}.oid AND e.deptype = 'e')"
    )


def _privileges(given: str, default: str) -> str:
    """A facet: who may do what, as ``aclitem`` prints it, where it is not what an object has by default. NULL in the
    catalog and the default spelled out, which is what REVOKE after GRANT leaves, are the same.
    """

    def printed(acl: str) -> str:
        return f"(SELECT string_agg(one::text, ', ' ORDER BY one::text) FROM unnest({acl}) AS one)"

    return f"CASE WHEN {given} IS NOT NULL THEN 'PRIVILEGES ' || NULLIF({printed(given)}, {printed(default)}) END"


def _comment(oid: str, catalog: str) -> str:
    return f"'COMMENT ' || quote_literal(obj_description({oid}, '{catalog}'))"


def _owner(role: str) -> str:
    return f"'OWNER ' || pg_get_userbyid({role})"


_SCHEMAS = f"""
SELECT '', '', n.nspname,
       {_owner("n.nspowner")},
       {_privileges("n.nspacl", "acldefault('n', n.nspowner)")},
       {_comment("n.oid", "pg_namespace")}
  FROM pg_catalog.pg_namespace n
 WHERE {_own("pg_namespace", "n")}
"""

_EXTENSIONS = """
SELECT '', '', x.extname, 'VERSION ' || x.extversion, 'SCHEMA ' || quote_ident(n.nspname)
  FROM pg_catalog.pg_extension x
  JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
"""

_OF_TYPE = f"""{_owner("t.typowner")},
       {_privileges("t.typacl", "acldefault('T', t.typowner)")},
       {_comment("t.oid", "pg_type")}"""

_ENUMS = f"""
SELECT n.nspname, '', t.typname,
       '(' || coalesce((SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
                          FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid), '') || ')',
       {_OF_TYPE}
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'e' AND {_own("pg_type", "t")}
"""

# Since 17 a domain's NOT NULL is a constraint too ('n'); typnotnull says it on every version.
_DOMAINS = f"""
SELECT n.nspname, '', t.typname,
       format_type(t.typbasetype, t.typtypmod),
       CASE WHEN t.typnotnull THEN 'NOT NULL' END,
       'DEFAULT ' || t.typdefault,
       (SELECT 'COLLATE ' || t.typcollation::regcollation WHERE t.typcollation <> b.typcollation),
       (SELECT string_agg(quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid), E'\\n' ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype <> 'n'),
       {_OF_TYPE}
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'd' AND {_own("pg_type", "t")}
"""

_COMPOSITES = f"""
SELECT n.nspname, '', t.typname,
       '(' || coalesce((SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                                          ORDER BY a.attnum)
                          FROM pg_catalog.pg_attribute a
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')',
       {_OF_TYPE}
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE {_own("pg_type", "t")}
"""

_RANGES = f"""
SELECT n.nspname, '', t.typname,
       format_type(r.rngsubtype, NULL),
       {_OF_TYPE}
  FROM pg_catalog.pg_range r
  JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE {_own("pg_type", "t")}
"""

# The owner in pg_depend: 'a' for a serial's or OWNED BY, 'i' for an identity column's.
_SEQUENCES = f"""
SELECT n.nspname, '', c.relname,
       format_type(s.seqtypid, NULL),
       format('START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s',
              s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache),
       CASE WHEN s.seqcycle THEN 'CYCLE' END,
       CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' END,
       (SELECT 'OWNED BY ' || d.refobjid::regclass || '.' || quote_ident(a.attname)
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
           AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')),
       {_owner("c.relowner")},
       {_privileges("c.relacl", "acldefault('s', c.relowner)")},
       {_comment("c.oid", "pg_class")}
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE {_own("pg_class", "c")}
"""

_TABLES = f"""
SELECT n.nspname, '', c.relname,
       CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
       'PARTITION BY ' || pg_get_partkeydef(c.oid),
       (SELECT CASE WHEN c.relispartition THEN 'PARTITION OF ' ELSE 'INHERITS ' END
               || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
               || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
          FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
       'OF ' || NULLIF(c.reloftype, 0)::regtype,
       (SELECT 'SERVER ' || quote_ident(s.srvname) || coalesce(' OPTIONS ' || f.ftoptions::text, '')
          FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
         WHERE f.ftrelid = c.oid),
       (SELECT 'USING ' || m.amname FROM pg_catalog.pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap'),
       'WITH (' || NULLIF(array_to_string(c.reloptions || ARRAY(
           SELECT 'toast.' || one FROM pg_catalog.pg_class t, unnest(t.reloptions) AS one WHERE t.oid = c.reltoastrelid
       ), ', '), '') || ')',
       (SELECT 'TABLESPACE ' || quote_ident(s.spcname) FROM pg_catalog.pg_tablespace s WHERE s.oid = c.reltablespace),
       CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END,
       CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
       CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' END,
       (SELECT 'REPLICA IDENTITY USING INDEX ' || i.indexrelid::regclass
          FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident),
       (SELECT 'CLUSTER ON ' || i.indexrelid::regclass
          FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisclustered),
       {_owner("c.relowner")},
       {_privileges("c.relacl", "acldefault('r', c.relowner)")},
       {_comment("c.oid", "pg_class")}
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f') AND {_own("pg_class", "c")}
"""


def _columns(major: int) -> str:
    """Those that PostgreSQL copied from a parent say so; their order in the table is left out."""
    compression = (
        "CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END"
        if major >= 14
        else "NULL"
    )
    return f"""
SELECT n.nspname, c.relname, a.attname,
       format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attnotnull THEN 'NOT NULL' END,
       CASE a.attgenerated WHEN 's' THEN 'GENERATED (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                           WHEN 'v' THEN 'GENERATED (' || pg_get_expr(d.adbin, d.adrelid) || ') VIRTUAL'
                           ELSE 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END,
       CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY'
        END,
       (SELECT 'COLLATE ' || a.attcollation::regcollation WHERE a.attcollation <> t.typcollation),
       CASE WHEN a.attstorage <> t.typstorage
            THEN 'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                                 WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
       {compression},
       CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END,
       'OPTIONS (' || array_to_string(a.attoptions || a.attfdwoptions, ', ') || ')',
       CASE WHEN NOT a.attislocal THEN 'INHERITED' END,
       {_privileges("a.attacl", "acldefault('c', c.relowner)")},
       'COMMENT ' || quote_literal(col_description(c.oid, a.attnum))
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND {_own("pg_class", "c")}
"""


# NOT VALID, DEFERRABLE and NOT ENFORCED are part of what pg_get_constraintdef prints. NOT NULL, a constraint since 18,
# is the column's; a constraint trigger ('t') is a trigger; what follows a parent's constraint goes with that.
_CONSTRAINTS = f"""
SELECT n.nspname, c.relname, k.conname,
       pg_get_constraintdef(k.oid),
       'WITH (' || array_to_string(x.reloptions, ', ') || ')',
       (SELECT 'TABLESPACE ' || quote_ident(s.spcname) FROM pg_catalog.pg_tablespace s WHERE s.oid = x.reltablespace),
       {_comment("k.oid", "pg_constraint")}
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class x ON x.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND (k.conislocal OR k.coninhcount = 0)
   AND {_own("pg_class", "c")}
"""

# Those of a constraint are said with it, those of a partition with its parent's.
_INDEXES = f"""
SELECT n.nspname, c.relname, x.relname,
       pg_get_indexdef(x.oid),
       CASE WHEN NOT i.indisvalid THEN 'INVALID' END,
       (SELECT 'TABLESPACE ' || quote_ident(s.spcname) FROM pg_catalog.pg_tablespace s WHERE s.oid = x.reltablespace),
       {_comment("x.oid", "pg_class")}
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
 WHERE NOT x.relispartition AND c.relkind IN ('r', 'p', 'm') AND {_own("pg_class", "c")}
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'))
"""


def _views(kind: str) -> str:
    return f"""
SELECT n.nspname, '', c.relname,
       pg_get_viewdef(c.oid),
       'WITH (' || array_to_string(c.reloptions, ', ') || ')',
       CASE WHEN NOT c.relispopulated THEN 'WITH NO DATA' END,
       {_owner("c.relowner")},
       {_privileges("c.relacl", "acldefault('r', c.relowner)")},
       {_comment("c.oid", "pg_class")}
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = '{kind}' AND {_own("pg_class", "c")}
"""


def _routines(*kinds: str) -> str:
    """A range type's own constructors depend on it internally ('i'), and come and go with it."""
    listed = ", ".join(f"'{one}'" for one in kinds)
    return f"""
SELECT n.nspname, '', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       pg_get_functiondef(p.oid),
       {_owner("p.proowner")},
       {_privileges("p.proacl", "acldefault('f', p.proowner)")},
       {_comment("p.oid", "pg_proc")}
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE p.prokind IN ({listed}) AND {_own("pg_proc", "p")}
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
"""


def _triggers(major: int) -> str:
    """A partition's copies have a parent since 13, and are internal before."""
    no_copy = "AND t.tgparentid = 0" if major >= 13 else ""
    return f"""
SELECT n.nspname, c.relname, t.tgname,
       pg_get_triggerdef(t.oid),
       CASE t.tgenabled WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLED REPLICA' WHEN 'A' THEN 'ENABLED ALWAYS' END,
       {_comment("t.oid", "pg_trigger")}
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal {no_copy} AND {_own("pg_class", "c")}
"""


_POLICIES = f"""
SELECT n.nspname, c.relname, p.polname,
       CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' WHEN 'w' THEN 'FOR UPDATE'
                     WHEN 'd' THEN 'FOR DELETE' ELSE 'FOR ALL' END,
       CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END,
       'TO ' || (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role)::text END, ', ' ORDER BY 1)
                   FROM unnest(p.polroles) AS role),
       'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
       'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')',
       {_comment("p.oid", "pg_policy")}
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE {_own("pg_class", "c")}
"""

# A view is itself a rule, "_RETURN".
_RULES = f"""
SELECT n.nspname, c.relname, r.rulename,
       pg_get_ruledef(r.oid),
       CASE r.ev_enabled WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLED REPLICA' WHEN 'A' THEN 'ENABLED ALWAYS' END,
       {_comment("r.oid", "pg_rewrite")}
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND {_own("pg_class", "c")}
"""

# Printed in the order of the table's columns, which is left out. There are none where it has
# expressions alone.
_OF_STATISTICS = "FROM pg_catalog.pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)"
_STATISTICS = f"""
SELECT n.nspname, c.relname, s.stxname,
       coalesce(replace(pg_get_statisticsobjdef(s.oid),
               ' ON ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) {_OF_STATISTICS}),
               ' ON ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) {_OF_STATISTICS})),
                pg_get_statisticsobjdef(s.oid)),
       {_comment("s.oid", "pg_statistic_ext")}
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
 WHERE {_own("pg_class", "c")}
"""

_DEFAULT_PRIVILEGES = """
SELECT coalesce(n.nspname, ''), '',
       pg_get_userbyid(d.defaclrole) || ' on '
       || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                               WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END,
       (SELECT string_agg(one::text, ', ' ORDER BY one::text) FROM unnest(d.defaclacl) AS one)
  FROM pg_catalog.pg_default_acl d
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
"""

# Of these kinds only that they are there: aggregates, operators, casts, collations, text search, publications, foreign
# servers … What comes with a range type depends on it internally ('i'). Ids from 16384 on are given after initdb
# ("System Catalog Declarations and Initial Contents").
REST = """
SELECT i.type, coalesce(i.schema, ''), i.identity
  FROM (SELECT 'pg_catalog.pg_proc'::regclass AS catalog, oid FROM pg_catalog.pg_proc WHERE prokind = 'a'
        UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, oid FROM pg_catalog.pg_operator
        UNION ALL SELECT 'pg_catalog.pg_opclass'::regclass, oid FROM pg_catalog.pg_opclass
        UNION ALL SELECT 'pg_catalog.pg_opfamily'::regclass, oid FROM pg_catalog.pg_opfamily
        UNION ALL SELECT 'pg_catalog.pg_cast'::regclass, oid FROM pg_catalog.pg_cast
        UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, oid FROM pg_catalog.pg_collation
        UNION ALL SELECT 'pg_catalog.pg_conversion'::regclass, oid FROM pg_catalog.pg_conversion
        UNION ALL SELECT 'pg_catalog.pg_ts_config'::regclass, oid FROM pg_catalog.pg_ts_config
        UNION ALL SELECT 'pg_catalog.pg_ts_dict'::regclass, oid FROM pg_catalog.pg_ts_dict
        UNION ALL SELECT 'pg_catalog.pg_ts_parser'::regclass, oid FROM pg_catalog.pg_ts_parser
        UNION ALL SELECT 'pg_catalog.pg_ts_template'::regclass, oid FROM pg_catalog.pg_ts_template
        UNION ALL SELECT 'pg_catalog.pg_language'::regclass, oid FROM pg_catalog.pg_language
        UNION ALL SELECT 'pg_catalog.pg_transform'::regclass, oid FROM pg_catalog.pg_transform
        UNION ALL SELECT 'pg_catalog.pg_am'::regclass, oid FROM pg_catalog.pg_am
        UNION ALL SELECT 'pg_catalog.pg_publication'::regclass, oid FROM pg_catalog.pg_publication
        UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass, oid FROM pg_catalog.pg_foreign_data_wrapper
        UNION ALL SELECT 'pg_catalog.pg_foreign_server'::regclass, oid FROM pg_catalog.pg_foreign_server
        UNION ALL SELECT 'pg_catalog.pg_event_trigger'::regclass, oid FROM pg_catalog.pg_event_trigger
         WHERE evtname !~ '^migration_gate'
       ) o,
       pg_identify_object(o.catalog, o.oid, 0) i
 WHERE o.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                    WHERE e.classid = o.catalog AND e.objid = o.oid AND e.deptype IN ('e', 'i'))
"""
