// The process in which the doctor looks at the remote share.
import "../src/doctor/remote-look.ts";
