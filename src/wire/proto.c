/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proto.h"

#include "base/assert.h"
#include "base/auto.h"

#define HF_FROM(role) (1U << HF_ROLE_##role)
#define HF_FROM_ANY_WORKER                                                                         \
	(HF_FROM(INGEST) | HF_FROM(INFER) | HF_FROM(RESPOND) | HF_FROM(KEEPER) | HF_FROM(UPLINK) | \
	 HF_FROM(ACTUATE))

static const struct {
	const char *name;
	unsigned from;
} routes[] = {
#define HF_MSG(id, text, who, body) [HF_MSG_##id] = { .name = text, .from = (who) },
#include "wire/proto_tbl.h"
};

_Static_assert(HF_ARRAY_LEN(routes) == HF_MSG_COUNT, "a row for every message");

static const char *const role_names[] = {
	[HF_ROLE_SUPERVISOR] = "supervisor",
	[HF_ROLE_INGEST] = "ingest",
	[HF_ROLE_INFER] = "infer",
	[HF_ROLE_RESPOND] = "respond",
	[HF_ROLE_KEEPER] = "keeper",
	[HF_ROLE_UPLINK] = "uplink",
	[HF_ROLE_CTL] = "ctl",
	[HF_ROLE_ACTUATE] = "actuate",
};

_Static_assert(HF_ARRAY_LEN(role_names) == HF_ROLE_COUNT, "a name for every role");

const char *hf_role_name(enum hf_role role)
{
	HF_ASSERT((unsigned)role < HF_ROLE_COUNT);
	return role_names[role];
}

const char *hf_msg_name(enum hf_msg_type type)
{
	HF_ASSERT((unsigned)type < HF_MSG_COUNT);
	return routes[type].name;
}

bool hf_msg_allowed(enum hf_msg_type type, enum hf_role from)
{
	return (unsigned)type < HF_MSG_COUNT && (unsigned)from < HF_ROLE_COUNT &&
	       (routes[type].from & (1U << from)) != 0;
}
