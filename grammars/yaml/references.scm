[(alias_name) (anchor_name)] @reference.other
