# Starts the tunnels that should run here and do not, in the background of an interactive shell; says nothing.
# The subshell keeps $?, $!, the variables and the jobs as they are; "&& :" keeps "set -e" out of it.
case ${BASHOPTS-},$-,$? in
@LOGIN@
  *,*i*,*) (
    holdfast_status=$?
    \trap '' HUP
    @PROGRAM@ ensure --user &
    \exit "$holdfast_status"
  ) </dev/null >/dev/null 2>&1 && : ;;
  *,0) ;;
  *) (\exit "$?") && : ;;
esac
