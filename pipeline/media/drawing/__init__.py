"""What the animatic is drawn with: words to a brief, brief to a scene, scene to a film, with bands and sound.

words -> stage (light, paint) -> water | land | rooms | studies (cast, figures) -> scene
scene -> moves (camera, board, weather) -> animatic;  lettering (typeface) -> slate;  sound
"""
