// The process in which the doctor checks the remote share.
import "../src/doctor/remote-look.ts";
