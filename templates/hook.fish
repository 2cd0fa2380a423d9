# Starts the tunnels that should run here and do not, in the background of an interactive shell; says nothing.
# A process of sh starts it, so that it is no job of this shell.
if status --is-interactive
    command /bin/sh -c 'trap "" HUP; "$0" ensure --user &' @PROGRAM@ </dev/null >/dev/null 2>&1
end
