import { experiment } from "../delivery/experiment.ts";
import { Plant, scratch } from "./plant.ts";
import { parseConfig } from "../../src/config/config.ts";
import { PlantDelivery } from "../../src/opcua/delivery.ts";
const { directory, gone } = scratch();
const t0=performance.now();
const plant = await Plant.start({ pki: `${directory}/pki`, maxNodesPerWrite: 3, nodes: [
  { name: "000A_N.Position" }, { name: "000A_S.Position", type:"Float" }, {name:"All", rank:1, type:"Double"}, {name:"ro", access:"CurrentRead"}, {name:"plain", access:"CurrentRead | CurrentWrite", type:"Int16"}, {name:"text", type:"String"}, {name:"when", type:"DateTime"}, {name:"big", type:"Int64"}, {name:"ubig", type:"UInt64"},{name:"num", type:"Number"}, {name:"dur", type:"Duration"}, {name: "beat", type:"Byte"}] });
console.error("server up", performance.now()-t0);
const { manifest, add } = experiment(directory, 4);
add(3, [1]);
const { config } = parseConfig(`
[Paths]
root_dir = "${directory}"
[Communication]
method = ["CSV_PLOT", "OPC_UA"]
[OPC_UA]
endpoint_url = "${plant.endpointUrl}"
security_mode = "None"
[[OPC_UA.nodes]]
node_id = "ns=2;s={roi}.Position"
value = "position"
roi = "000A_*"
[[OPC_UA.nodes]]
node_id = "nsu=urn:phorest:test;s=All"
value = "position"
[[OPC_UA.nodes]]
node_id = "ns=2;s=missing"
value = "brightness"
[[OPC_UA.nodes]]
node_id = "ns=2;s=ro"
value = "brightness"
[[OPC_UA.nodes]]
browse_path = "/Objects/2:Chip/2:plain"
value = "frame"
[[OPC_UA.nodes]]
node_id = "ns=2;s=text"
value = "filename"
[[OPC_UA.nodes]]
node_id = "ns=2;s=when"
value = "captured_at"
[[OPC_UA.nodes]]
node_id = "ns=2;s=big"
value = "frame"
[[OPC_UA.nodes]]
node_id = "ns=2;s=ubig"
value = "captured_at"
[[OPC_UA.nodes]]
node_id = "ns=2;s=num"
value = "temperature.Room air"
[[OPC_UA.nodes]]
node_id = "ns=2;s=dur"
value = "contrast"
[[OPC_UA.nodes]]
node_id = "ns=2;s=beat"
value = "heartbeat"
`, directory);
const { endpoint_url, nodes, ...server } = config.OPC_UA;
const d = new PlantDelivery({ server: { ...server, endpoint_url: endpoint_url! }, nodes, baselineSeconds: 60 }, manifest, (l, m) => process.stderr.write(`${l} ${m}\n`));
const t1=performance.now();
console.dir(await d.step(0, "all well"), {depth:5});
process.stderr.write(`step ${performance.now()-t1}\n`);
process.stdout.write(JSON.stringify(await plant.values(), null, 1));
process.stdout.write(JSON.stringify(await plant.counts(), null, 1));
await d.close();
await plant.kill();
manifest.close();
gone();
