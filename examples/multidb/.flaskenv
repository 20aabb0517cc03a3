FLASK_APP=library
