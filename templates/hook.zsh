# Starts tunnels that should be running but are not: in interactive shells only, in the background, without output.
# The subshell leaves $?, $!, variables and jobs unchanged; "&& :" keeps "set -e" from ending the shell.
case $-,$? in
  *i*,*) (
    holdfast_status=$?
    \trap '' HUP
    \setopt no_bg_nice
    @PROGRAM@ ensure --user &
    \exit "$holdfast_status"
  ) </dev/null >/dev/null 2>&1 && : ;;
  *,0) ;;
  *) (\exit "$?") && : ;;
esac
