#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The completions in the shells themselves, and that help, man page and completions
# know the same commands and options.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

PATH=$OUTCALL_BUILDDIR/src/outcall:$PATH
export PATH
bash=$OUTCALL_SRCDIR/completions/bash/outcall
zsh=$OUTCALL_SRCDIR/completions/zsh/_outcall
fish=$OUTCALL_SRCDIR/completions/fish/outcall.fish
man=$OUTCALL_SRCDIR/man/outcall.1
tab=$(printf '\t')

words() { outcall __complete "$@" | cut -f1 | sort | xargs; }

# --- what the program itself says ---------------------------------------------------
tap_is "$(words sta)" "status" "a command"
tap_is "$(words rules l)" "list" "a group's second word"
tap_like " $(words '') " ' help .* rules ' "each first word, and help"
tap_is "$(words '' | tr ' ' '\n' | sort | uniq -d)" "" "once each"
tap_like "$(words log --fo)" '^--follow$' "an option"
tap_like " $(words log --) " ' --agent .* --json .* --since ' "the command's options and the global ones"
tap_is "$(words --so)" "--socket" "a global option before the command"
tap_is "$(words --json sta)" "status" "a command after a global option"
tap_is "$(words rules check '')" ":file" "files"
tap_is "$(words run '')" ":command" "programs"
tap_is "$(words run --name x -- make '')" ":file" "and then files"
tap_is "$(words run make --)" ":file" "options of the confined program are its own"
tap_is "$(words run --bind '')" ":file" "an option's file"
tap_is "$(words help rules l)" "list" "help on a command"
tap_is "$(words no such thing)" "" "nothing after nonsense"
tap_is "$(words --socket "$TMPDIR/none" stop '')" "" "no names without a daemon"
tap_like "$(outcall __complete sta)" "^status$tab.*State" "descriptions"

# --- bash -----------------------------------------------------------------------------
if command -v bash >/dev/null; then
  in_bash() {
    bash --norc -c '. "$0"; COMP_WORDS=(outcall "$@"); COMP_CWORD=$#; _outcall; printf "%s\n" "${COMPREPLY[@]}"' \
      "$bash" "$@" 2>/dev/null | sort | xargs
  }
  tap_is "$(in_bash sta)" "status" "bash: a command"
  tap_is "$(in_bash bridge '')" "down status up" "bash: second words"
  tap_like "$(in_bash log --fo)" '^--follow$' "bash: an option"
  tap_like " $(in_bash run l) " ' ls ' "bash: programs"
  tap_like "$(bash --norc -c '. "$0"; complete -p outcall' "$bash")" '_outcall' "bash: is registered"
else
  tap_skip "bash" "bash is missing"
fi

# --- zsh ------------------------------------------------------------------------------
if command -v zsh >/dev/null; then
  cat >"$TMPDIR/drive.zsh" <<'EOF'
_describe() { shift 3; print -l -- ${(P)1}; }
_files() { print FILES; }
_command_names() { print COMMANDS; }
file=$1; shift
words=(outcall "$@"); CURRENT=$#words
source $file
EOF
  in_zsh() { zsh -f "$TMPDIR/drive.zsh" "$zsh" "$@" 2>&1; }
  tap_like "$(in_zsh sta)" '^status:State' "zsh: a command with its description"
  tap_is "$(in_zsh bridge '' | cut -d: -f1 | sort | xargs)" "down status up" "zsh: second words"
  tap_is "$(in_zsh run '')" "COMMANDS" "zsh: programs"
  tap_is "$(in_zsh rules check '')" "FILES" "zsh: files"
  cat >"$TMPDIR/pty.zsh" <<'EOF'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
zpty -w -n z $'outcall stat\t --js\t\C-a: \necho do''ne\n'
zpty -r -m z out '*outcall status --json*done*' && print -r -- completed
zpty -d z
EOF
  tap_like "$(timeout 60 zsh -f "$TMPDIR/pty.zsh" "${zsh%/*}" 2>&1)" completed "zsh: in a real line editor"
else
  tap_skip "zsh" "zsh is missing"
fi

# --- fish -----------------------------------------------------------------------------
if command -v fish >/dev/null; then
  in_fish() {
    HOME=$TMPDIR XDG_CONFIG_HOME=$TMPDIR XDG_DATA_HOME=$TMPDIR \
      fish --no-config -c "source $fish; complete -C '$1'" 2>/dev/null
  }
  tap_like "$(in_fish 'outcall sta')" "^status${tab}State" "fish: a command with its description"
  tap_is "$(in_fish 'outcall bridge ' | cut -f1 | sort | xargs)" "down status up" "fish: second words"
  tap_like "$(in_fish 'outcall log --fo')" '^--follow' "fish: an option"
  touch "$TMPDIR/rules-file.yaml"
  tap_like "$(cd "$TMPDIR" && in_fish 'outcall rules check rules-f')" 'rules-file.yaml' "fish: files"
else
  tap_skip "fish" "fish is missing"
fi

# --- the man page ------------------------------------------------------------------------
outcall help | sed -n '/^Commands/,/^$/s/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' |
  while read -r command; do
    # shellcheck disable=SC2086
    printf '%s\t%s\n' "$command" "$(outcall __complete $command -- | cut -f1 | xargs)"
  done >"$TMPDIR/commands"
manual() { python3 "$OUTCALL_SRCDIR/src/outcall/check-manual.py" "$@"; }
tap_is "$(manual "$man" "$TMPDIR/commands")" "" \
  "outcall(1) has each command and option, in its own entry, and no others"
sed '/^log\t/s/ --since//; /^dns flush\t/d' "$TMPDIR/commands" >"$TMPDIR/fewer"
tap_is "$(manual "$man" "$TMPDIR/fewer" | wc -l)" 2 "what is left over would be found"
printf 'dns forget\t--all\n' >>"$TMPDIR/commands"
sed -i '/^suggest\t/s/$/ --until/' "$TMPDIR/commands"
tap_is "$(manual "$man" "$TMPDIR/commands" | wc -l)" 2 "and what is missing"

# --- outcalld(8) --------------------------------------------------------------------------
"$OUTCALL_BUILDDIR/src/outcalld/outcalld" --help | grep -o '^ *\(-., \)\?--[a-z-]*' | sed 's/.* //' | sort -u >"$TMPDIR/options"
sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$OUTCALL_SRCDIR/man/outcalld.8" | grep -A1 '^\.TP' |
  sed 's/\\f.//g; s/\\-/-/g' | grep -o -- '--[a-z][a-z-]*' | sort -u >"$TMPDIR/entries"
tap_like "$(wc -l <"$TMPDIR/options")" '^[2-9][0-9]' "the daemon tells its options"
tap_is "$(cat "$TMPDIR/entries")" "$(cat "$TMPDIR/options")" "outcalld(8) has an entry for each, and no others"
tap_done
