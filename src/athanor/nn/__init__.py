"""Parts of networks. Letters for shapes, the same in every file:

B batch · T positions · S key positions · D width · N heads · G key/value heads · K width of a head · F inner width ·
V vocabulary · L layers
"""
