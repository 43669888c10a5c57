/** Lines of a configuration: a run has time to stop on a busy machine, where its exit code is 1 if the time was too short. */
export const TIME_TO_STOP = "[Supervisor]\nshutdown_timeout_seconds = 120\n";
