// SPDX-License-Identifier: Apache-2.0
//
// The rules on scenes of which it is known what happens in them. bench/eval/run takes all there are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, makeScenes } from '../../bench/eval/run.mjs';
import { summary } from '../../bench/eval/score.mjs';
import { describe } from '../../bench/eval/words.mjs';

const ENTRY = 'pre_action_zone_entry', LOITERING = 'loitering_dwell_exceeded';

const SCENES = {
	'loiter': [ENTRY, LOITERING],
	'hidden': [ENTRY, LOITERING],
	'visitors': [ENTRY, LOITERING], // six in turn at a table: exactly the three who stay long
	'walk-through': [ENTRY],
};

for (const [name, classes] of Object.entries(SCENES)) {
	test(`of ${name} at least 95 in 100 are found, and 95 in 100 are true`, async () => {
		const [folder] = await makeScenes([name]);
		const { truth, result } = await judge(folder);
		const told = describe(truth, result).join('\n');
		for (const cls of classes) {
			const s = summary([{ truth, result }], cls);
			assert.ok(s.expected > 0, `${cls} is due in it`);
			assert.ok(s.recall >= 0.95, `recall of ${cls} ${s.recall}\n${told}`);
			assert.ok(s.precision >= 0.95, `precision of ${cls} ${s.precision}\n${told}`);
			assert.ok(s.dwell_error_p95_s === null || s.dwell_error_p95_s <= 1, `dwell\n${told}`);
		}
	});
}
