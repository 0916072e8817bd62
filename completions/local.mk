# SPDX-License-Identifier: GPL-3.0-or-later
dist_bashcompletion_DATA = completions/bash/outcall
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/zsh/_outcall
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/fish/outcall.fish
