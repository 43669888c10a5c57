#!/bin/sh
# The health check of the container. A run writes its state to a file every five seconds; it is healthy if it wrote "fine" within
# the last minute. Exits with 0 or 1, never with 2, which Docker reserves. `phorest health` reports more, but takes longer.
file="${PHOREST_HEALTH_FILE:-/tmp/phorest.health}"
# A time in the future does not count either: the clock was set back after a run had ended.
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
