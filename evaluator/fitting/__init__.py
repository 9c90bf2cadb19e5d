"""How the local judge is trained: labelled transcripts in, a calibration with honest figures out."""
