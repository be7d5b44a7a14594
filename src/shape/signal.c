/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/signal.h"

#include "base/assert.h"

#include <string.h>

static const struct {
	const char *name;
	const char *help;
	enum hf_scope scope;
	enum hf_signal_unit unit;
} signals[] = {
#define HF_SIGNAL(id, name, whose, unit, help) \
	[HF_SIGNAL_##id] = { name, help, HF_SCOPE_##whose, HF_UNIT_##unit },
#include "shape/signal_tbl.h"
};

const char *hf_signal_name(enum hf_signal signal)
{
	HF_ASSERT(signal < HF_SIGNAL_COUNT);
	return signals[signal].name;
}

enum hf_scope hf_signal_scope(enum hf_signal signal)
{
	HF_ASSERT(signal < HF_SIGNAL_COUNT);
	return signals[signal].scope;
}

enum hf_signal_unit hf_signal_unit(enum hf_signal signal)
{
	HF_ASSERT(signal < HF_SIGNAL_COUNT);
	return signals[signal].unit;
}

const char *hf_signal_help(enum hf_signal signal)
{
	HF_ASSERT(signal < HF_SIGNAL_COUNT);
	return signals[signal].help;
}

enum hf_signal hf_signal_find(const char *name)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		if (strcmp(signals[i].name, name) == 0)
			return (enum hf_signal)i;
	return HF_SIGNAL_COUNT;
}

const char *hf_scope_name(enum hf_scope scope)
{
	static const char *const names[HF_SCOPE_COUNT] = { "unit", "worker", "source", "camera" };

	HF_ASSERT(scope < HF_SCOPE_COUNT);
	return names[scope];
}

const char *hf_signal_unit_name(enum hf_signal_unit unit)
{
	switch (unit) {
	case HF_UNIT_MS:
		return "ms";
	case HF_UNIT_COUNT:
		return "count";
	case HF_UNIT_PERMILLE:
		return "permille";
	case HF_UNIT_FLAG:
		return "flag";
	case HF_UNIT_CELSIUS:
		return "celsius";
	}
	return "count";
}
