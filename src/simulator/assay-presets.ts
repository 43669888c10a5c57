// The built-in assays, in the format of a user's own file. The concentrations of `binding` range from a tenth of KD to ten
// times KD; its flow is slow enough to be seen crossing the chip.

const CONCENTRATIONS_NM = [1, 2.5, 6, 15, 40, 100];
const BINDING = { cycle: 420, baseline: 60, association: 120, dissociation: 180, regeneration: 30 };

/** Returns two blanks, six concentrations between them, and a regeneration after each. */
function bindingInjections(): string {
  const samples = CONCENTRATIONS_NM.map((nM) => ({ type: "sample", solution: "antibody", concentration: `${nM} nM` }));
  const blank = { type: "blank", solution: "running buffer", concentration: "0 nM" };
  return [blank, ...samples, blank]
    .map(({ type, solution, concentration }, cycle) => {
      const start = BINDING.baseline + cycle * BINDING.cycle;
      const regeneration = start + BINDING.association + BINDING.dissociation;
      return `[[injections]]
solution = "${solution}"
type = "${type}"
concentration = "${concentration}"
refractive_index = ${type === "sample" ? 1.3331 : 1.333}
start = ${start}
seconds = ${BINDING.association}
dissociation_seconds = ${BINDING.dissociation}

[[injections]]
solution = "glycine pH 2"
type = "regeneration"
refractive_index = 1.3345
start = ${regeneration}
seconds = ${BINDING.regeneration}
`;
    })
    .join("\n");
}

const binding = `interval_seconds = 10
duration_seconds = ${(CONCENTRATIONS_NM.length + 2) * BINDING.cycle}

[[kinetics]]
gratings = ["*A", "*C"]
ka = 3e5
kd = 3e-3
rmax_px = 4

[[kinetics]]
ka = 1e5
kd = 5e-3
rmax_px = 4

${bindingInjections()}`;

const ethanol = `interval_seconds = 10
duration_seconds = 1020

[flow]
speed_um_per_second = 200
direction_degrees = 20
dead_seconds = 20
front_width_seconds = 8

${[
  { percent: 1, index: 1.3336, start: 120 },
  { percent: 2, index: 1.3342, start: 420 },
  { percent: 4, index: 1.3354, start: 720 },
]
  .map(
    ({ percent, index, start }) => `[[injections]]
solution = "${percent} % ethanol"
type = "calibration"
refractive_index = ${index}
start = ${start}
seconds = 150
`,
  )
  .join("\n")}`;

/** TOML by name. */
export const PRESETS: Readonly<Record<string, string>> = { binding, ethanol };
