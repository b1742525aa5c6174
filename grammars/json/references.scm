; Data uses no names.
