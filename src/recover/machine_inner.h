/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * machine_inner - what the parts of the machine share. Private to this room.
 *
 * machine.c   the order of a step: outcomes, command, reasons, ladders, safe mode, the state
 * cases.c     reasons: conditions, holds, episodes, flapping
 * ladder.c    actions: which rung, budgets, and from its intent to its verification
 *
 * Owners      One struct step lives for one call of hf_policy_step().
 */
#include "recover/machine.h"

struct step {
	const struct hf_policy *policy;
	const struct hf_policy_input *input;
	struct hf_policy_state *state;
	struct hf_policy_output *out;
	int64_t now_ms;
	int64_t passed_ms; /* since the last step, while somebody looked */
};

/* machine.c */
void hf_step_tell(struct step *step, enum hf_change_kind kind, const struct hf_case *one,
		  enum hf_action action, enum hf_refusal why, int64_t value);
/* Something runs out then. */
void hf_step_wake(struct step *step, int64_t at_ms);
bool hf_step_denied(const struct hf_policy_state *state, const struct hf_policy_input *input);

/* cases.c */
/* Of a policy that was changed under the state, or of a camera that is no more. */
void hf_cases_drop_strangers(struct step *step);
void hf_cases_update(struct step *step);
/* It is over; it is remembered for an episode. */
void hf_case_close(struct step *step, struct hf_case *one);
/* One that is over with for good: a case whose ladder is climbed from the bottom again. */
void hf_case_forget_ladder(struct hf_case *one);
struct hf_case *hf_case_find(struct hf_policy_state *state, unsigned reason, unsigned scope);
const struct hf_policy_reason *hf_case_reason(const struct hf_policy *policy,
					      const struct hf_case *one);

/* ladder.c */
void hf_ladder_outcome(struct step *step, const struct hf_outcome *outcome);
/* The unit, or the machine, was started anew: what was in hand is over. */
void hf_ladder_interrupt(struct step *step, bool is_boot);
void hf_ladder_climb(struct step *step);
enum hf_refusal hf_ladder_refusal(const struct step *step, const struct hf_case *one,
				  unsigned rung);
bool hf_ladder_in_hand(const struct hf_case *one); /* from its intent until it settled */
bool hf_budget_left(const struct hf_policy_state *state, const struct hf_budget *budgets,
		    unsigned budget_count, unsigned action, unsigned scope, int64_t now_ms);
void hf_use_add(struct hf_policy_state *state, unsigned action, unsigned scope);
