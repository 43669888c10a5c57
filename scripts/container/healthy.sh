#!/bin/sh
# The health check of the container. A run writes every five seconds into a file how it is; healthy is one that said "fine" within
# the last minute. Ends with 0 or 1, never with 2, which Docker keeps for itself. `phorest health` tells more, and takes longer.
file="${PHOREST_HEALTH_FILE:-/tmp/phorest.health}"
# A time that is to come says nothing either: the clock was set back after a run had ended.
if [ -z "$(find "$file" -mmin -1 ! -newermt '+1 minute' 2>/dev/null)" ]; then
  echo "no sign of life from a run within the last minute"
  exit 1
fi
said="$(cat "$file" 2>/dev/null)"
echo "$said"
case "$said" in
  fine*) exit 0 ;;
esac
exit 1
