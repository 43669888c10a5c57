// The systemd unit that keeps an experiment running: started at boot, restarted after any failure, watched.
import { Failure } from "../failure/failure.ts";

export interface ServiceSettings {
  /** Name of the unit, without `.service`. */
  readonly name: string;
  /** The words of the command; `run --config FILE` follows. */
  readonly program: readonly string[];
  readonly user: string;
  /** Additional groups, those of cameras and buses that this machine has. */
  readonly groups: readonly string[];
  /** Absolute. */
  readonly configFile: string;
  /** Absolute; relative paths of the configuration start here. */
  readonly directory: string;
  /** Longest time a clean stop may take. */
  readonly shutdownSeconds: number;
  /** Whether the single executable unpacks itself into a directory of this service only, which systemd creates for its user. */
  readonly unpacks: boolean;
}

/** Groups that may open cameras (video, render) and sensor buses on Debian and Raspberry Pi OS. */
export const DEVICE_GROUPS = ["video", "render", "gpio", "i2c", "plugdev"];
/** Time that a stop may take in addition to what the program itself allows. */
const STOP_GRACE_SECONDS = 15;

/** Returns the text of the unit file. Throws a Failure for names that systemd does not accept. */
export function serviceUnit(settings: ServiceSettings): string {
  const { name, program, user, groups, configFile, directory, shutdownSeconds, unpacks } = settings;
  if (!/^[A-Za-z_][\w.-]*\$?$/.test(user)) {
    throw new Failure("usage.invalid", `${user} is not a valid user name`, { hint: "name the user with --user NAME" });
  }
  const command = [...program, "run", "--config", configFile].map(commandWord).join(" ");
  return `# Written by \`phorest install-service\`. Changes of your own belong in: systemctl edit <this unit>
[Unit]
Description=phorest: ${plain(directory)}
Documentation=man:systemd.service(5)
After=local-fs.target remote-fs.target network-online.target time-sync.target
Wants=network-online.target
# Never gives up: whatever is missing may be back tomorrow.
StartLimitIntervalSec=0

[Service]
# The program says when it is ready and, as long as its main thread turns, that it lives (systemd-notify).
Type=notify
NotifyAccess=all
WatchdogSec=120
TimeoutStartSec=600
ExecStart=${command}
WorkingDirectory=${plain(directory)}
User=${user}
# Those of cameras and of the buses of sensors that this machine has.
SupplementaryGroups=${groups.join(" ")}
Restart=always
RestartSec=15
# 2: wrong usage or configuration, which no restart mends. What may be over later (a disk that is not mounted yet, another run)
# ends with 1 in a service.
RestartPreventExitStatus=2
# The frame in hand is finished; only what is left after that is killed.
KillMode=mixed
TimeoutStopSec=${Math.ceil(shutdownSeconds) + STOP_GRACE_SECONDS}
# 3: finished, though some frames had failed.
SuccessExitStatus=3

# A picture of 64 megapixels needs room; a leak must not take the machine with it.
MemoryHigh=70%
MemoryMax=85%
OOMPolicy=continue
TasksMax=512
LimitNOFILE=65536
LimitCORE=0
# The allocator's arenas, of which each keeps what its threads have freed. The program can only limit those that it adds.
Environment=MALLOC_ARENA_MAX=2
# Without a configuration the simulated chip would be photographed.
Environment=PHOREST_REQUIRE_CONFIG=1
${unpacks ? `CacheDirectory=phorest/${name}\nEnvironment=PHOREST_CACHE_DIR=/var/cache/phorest/${name}\n` : ""}
# Hardening. /dev stays whole (no PrivateDevices, no DeviceAllow, and no ProtectClock, which would imply one), so that
# cameras may come and go; /sys stays readable for sensors. The file system is closed where programs live and open where
# disks and shares are mounted, also later.
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
# What services need (ioctl, with which cameras are driven, among it), and the protection keys of the JavaScript engine; nothing
# that is the administrator's. The rest gives an error, and does not end the program.
SystemCallFilter=@system-service @pkey
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
AmbientCapabilities=
UMask=0022

[Install]
WantedBy=multi-user.target
`;
}

/**
 * Escapes a path as the value of a setting on its own line. systemd joins a line that ends in \ to the next, drops trailing
 * blanks, and interprets %.
 */
function plain(text: string): string {
  if (/[\n\r]|[\s\\]$/.test(text)) {
    throw new Failure(
      "usage.invalid",
      `${JSON.stringify(text)} contains a line break or ends in a blank or a backslash`,
      {
        hint: "use a directory with a simpler name",
      },
    );
  }
  return text.replaceAll("%", "%%");
}

/** Escapes a word of a command line, in which systemd also interprets quotes and variables. */
function commandWord(text: string): string {
  const escaped = plain(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("$", "$$$$");
  return /^[\w./%+:=@-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
