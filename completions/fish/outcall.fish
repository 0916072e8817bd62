# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for outcall(1), which itself says what fits.
function __outcall_lines
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] __complete $words[2..-1] 2>/dev/null
end
function __outcall_wants
    __outcall_lines | string match -q -- ":$argv[1]"
end
complete -c outcall -f
complete -c outcall -a '(__outcall_lines | string match -v -- ":*")'
complete -c outcall -n '__outcall_wants file' -F
complete -c outcall -n '__outcall_wants command' -a '(complete -C (commandline -ct))' -F
