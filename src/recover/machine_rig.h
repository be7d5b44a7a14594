/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* machine_rig - a small policy, a unit and a clock, for the tests of the machine. Tests only. */
#include "recover/machine.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static struct {
	struct hf_policy policy;
	struct hf_policy_state state;
	struct hf_policy_input input;
	struct hf_policy_output out;
} rig;

/* Two workers, one source, two cameras; nothing is wrong, and nothing is asked for. */
static inline void rig_begin(void)
{
	memset(&rig, 0, sizeof rig);
	hf_policy_state_fresh(&rig.state);
	rig.policy.episode_ms = 600000;
	rig.policy.flap_window_ms = 600000;
	rig.policy.safe_exit_healthy_ms = 1800000;
	rig.input.now_ms = 1000000;
	rig.input.uptime_ms = 1000000;
	rig.input.boot = 1;
	rig.input.run = 1;
	rig.input.release = 7;
	rig.input.worker_count = 2;
	rig.input.source_count = 1;
	rig.input.camera_count = 2;
	rig.input.worker_cameras[0] = 1;
	rig.input.worker_cameras[1] = 3;
	rig.input.source_cameras[0] = 3;
	for (unsigned s = 0; s < HF_SIGNAL_COUNT; s++)
		for (unsigned i = 0; i < HF_CAMERAS_MAX; i++)
			rig.input.readings[s][i].known = true;
	rig.state.now_ms = rig.input.now_ms;
	rig.state.boot = 1;
	rig.state.run = 1;
}

/* A reason that is bad while the signal is above 5 and clear while it is below 2. */
static inline struct hf_policy_reason *rig_reason(const char *name, enum hf_class class_of,
						  enum hf_signal signal)
{
	struct hf_policy_reason *reason = &rig.policy.reasons[rig.policy.reason_count++];

	(void)snprintf(reason->name, sizeof reason->name, "%s", name);
	reason->class_of = (uint8_t)class_of;
	reason->scope = (uint8_t)hf_signal_scope(signal);
	reason->when.term_count = 1;
	reason->when.terms[0] = (struct hf_term){ .signal = (uint16_t)signal,
						  .compare = HF_COMPARE_ABOVE,
						  .value = 5 };
	reason->clear.term_count = 1;
	reason->clear.terms[0] = (struct hf_term){ .signal = (uint16_t)signal,
						   .compare = HF_COMPARE_BELOW,
						   .value = 2 };
	reason->refill_permille = 250;
	return reason;
}

static inline struct hf_policy_action *rig_rung(struct hf_policy_reason *reason,
						enum hf_action action)
{
	reason->ladder[reason->rung_count++] = (uint8_t)action;
	rig.policy.actions[action].listed = true;
	return &rig.policy.actions[action];
}

static inline void rig_set(enum hf_signal signal, unsigned scope, int64_t value)
{
	rig.input.readings[signal][scope] = (struct hf_reading){ .known = true, .value = value };
}

static inline void rig_lose(enum hf_signal signal, unsigned scope, int64_t for_ms)
{
	rig.input.readings[signal][scope] = (struct hf_reading){ .known = false, .value = for_ms };
}

static inline void rig_step(int64_t after_ms)
{
	rig.input.now_ms += after_ms;
	rig.input.uptime_ms += after_ms;
	hf_policy_step(&rig.policy, &rig.state, &rig.input, &rig.out);
	rig.input.outcome_count = 0;
	rig.input.command = (struct hf_command){ .kind = HF_COMMAND_NONE };
}

/* In steps of 100 ms, as the supervisor does. */
static inline void rig_pass(int64_t duration_ms)
{
	for (; duration_ms > 0; duration_ms -= 100)
		rig_step(duration_ms < 100 ? duration_ms : 100);
}

static inline void rig_report(enum hf_outcome_result result, enum hf_action action, unsigned reason,
			      unsigned scope)
{
	rig.input.outcomes[rig.input.outcome_count++] =
		(struct hf_outcome){ .result = (uint8_t)result,
				     .action = (uint8_t)action,
				     .reason = (uint8_t)reason,
				     .scope = (uint8_t)scope };
	rig_step(0);
}

static inline enum hf_refusal rig_command(enum hf_command_kind kind, enum hf_action action,
					  int64_t for_ms)
{
	rig.input.command = (struct hf_command){ .kind = (uint8_t)kind,
						 .action = (uint8_t)action,
						 .reason = HF_NO_REASON,
						 .for_ms = for_ms };
	rig_step(0);
	return (enum hf_refusal)rig.out.command_refused;
}

/* The change of that kind in the last step, or NULL. */
static inline const struct hf_change *rig_told(enum hf_change_kind kind)
{
	for (unsigned i = 0; i < rig.out.change_count; i++)
		if (rig.out.changes[i].kind == kind)
			return &rig.out.changes[i];
	return NULL;
}

static inline bool rig_ordered(enum hf_order_kind kind, enum hf_action action)
{
	for (unsigned i = 0; i < rig.out.order_count; i++)
		if (rig.out.orders[i].kind == kind && rig.out.orders[i].action == action)
			return true;
	return false;
}

/* Of the first case, from its intent on: the evidence is frozen at once, and it is done. */
static inline void rig_carry_out(enum hf_action action)
{
	if (rig_ordered(HF_ORDER_FREEZE, action))
		rig_report(HF_RESULT_FROZEN, action, 0, 0);
	assert_true(rig_ordered(HF_ORDER_PERFORM, action));
	rig_report(HF_RESULT_DONE, action, 0, 0);
}

/* The power fails, or the supervisor: through the bytes that are stored. */
static inline void rig_restart(bool is_boot)
{
	uint8_t packed[HF_POLICY_STATE_BYTES];
	struct hf_err err;
	size_t bytes = hf_policy_state_pack(&rig.policy, &rig.state, packed);

	assert_int_equal(hf_policy_state_unpack(&rig.policy, packed, bytes, &rig.state, &err),
			 HF_OK);
	rig.input.run++;
	if (is_boot) {
		rig.input.boot++;
		rig.input.uptime_ms = 0;
	}
}
