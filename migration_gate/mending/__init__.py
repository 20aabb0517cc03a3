"""What turns one schema into another: calls for the upgrade() of a revision, from two snapshots of catalogs."""
