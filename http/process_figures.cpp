// http/process_figures: see its header
