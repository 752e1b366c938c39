import { fileURLToPath } from 'node:url';
import type { Wire } from '@ownkey/contract/provider';
import { loadCatalogue, targetFor } from '@ownkey/providers/catalogue';
import { loadScenarios } from '@ownkey/sandbox/scenario';
import { startSandbox } from '@ownkey/sandbox/start';
import { type Feature, featuresOf } from './features.ts';
import { WIRES } from './retell.ts';
import { checkFeature, type Verdict } from './scenario-case.ts';

const ROOT = new URL('../../', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, ROOT));
export const CATALOGUE = pathOf('catalogue');

export interface ScenarioRow {
  provider: { id: string; name: string };
  caller: Wire;
  feature: Feature;
  verdict: Verdict;
}

/** Every feature at every provider of the catalogue for callers of every wire, through a sandbox of its own on loopback. */
export async function scenarioRows(): Promise<ScenarioRow[]> {
  const catalogue = loadCatalogue(CATALOGUE);
  const features = featuresOf(loadScenarios(pathOf('packages/sandbox/scenarios')));
  const sandbox = await startSandbox({ port: 0, catalogueDir: pathOf('catalogue/providers') });
  // Big enough to cross every buffer, small enough for one process that does it a hundred times; few writes for long streams.
  sandbox.control({ huge_bytes: 300_000, huge_line_bytes: 200_000, chunk_bytes: 16_384 });
  const rows: ScenarioRow[] = [];
  try {
    for (const entry of catalogue.entries.values()) {
      const known = sandbox.keys.providers[entry.id];
      if (!known) throw new Error(`The sandbox has no ${entry.id}`);
      const simulated = { target: targetFor(entry, known.base_url), model: known.model, clearKey: known.keys.valid };
      for (const caller of WIRES)
        for (const feature of features)
          rows.push({ provider: entry, caller, feature, verdict: await checkFeature(simulated, caller, feature) });
    }
  } finally {
    await sandbox.close();
  }
  return rows;
}
