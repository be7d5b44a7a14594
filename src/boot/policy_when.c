/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition   TERM | TERM "and" TERM ... | TERM "or" TERM ...
 * TERM        SIGNAL OP NUMBER | FLAG | "not" FLAG | "unknown" "(" SIGNAL ")"
 * OP          > >= < <= ==
 * NUMBER      digits, at most three behind a point, and the unit
 *
 * One level, no brackets: what needs more is two reasons, and reads better so.
 */
#include "base/auto.h"
#include "base/suggest.h"
#include "boot/policy_inner.h"
#include "shape/policy_text.h"

#include <inttypes.h>
#include <string.h>

enum {
	WORD_BYTES = 64,
	DECIMALS_MAX = 3,
};

struct reader {
	const struct hf_policy_units *units;
	const char *text;
	const char *at;
	const char *token; /* where the last one began: what an error points at */
	struct hf_err *err;
};

/* Units */

static const struct {
	const char *name;
	enum hf_signal_unit of;
	int64_t factor;
} unit_names[] = {
	{ "ms", HF_UNIT_MS, 1 },         { "s", HF_UNIT_MS, 1000 },
	{ "m", HF_UNIT_MS, 60000 },      { "h", HF_UNIT_MS, 3600000 },
	{ "d", HF_UNIT_MS, 86400000 },   { "%", HF_UNIT_PERMILLE, 10 },
	{ "x", HF_UNIT_PERMILLE, 1000 }, { "permille", HF_UNIT_PERMILLE, 1 },
	{ "C", HF_UNIT_CELSIUS, 1 },     { "celsius", HF_UNIT_CELSIUS, 1 },
	{ "count", HF_UNIT_COUNT, 1 },   { "flag", HF_UNIT_FLAG, 1 },
};

int64_t hf_policy_unit_factor(enum hf_signal signal, const char *unit)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(unit_names); i++)
		if (strcmp(unit_names[i].name, unit) == 0 &&
		    unit_names[i].of == hf_signal_unit(signal))
			return unit_names[i].factor;
	return 0;
}

void hf_policy_units_standard(struct hf_policy_units *ret_units)
{
	memset(ret_units, 0, sizeof *ret_units);
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		if (hf_signal_unit((enum hf_signal)i) == HF_UNIT_COUNT ||
		    hf_signal_unit((enum hf_signal)i) == HF_UNIT_FLAG)
			ret_units->factors[i] = 1;
}

const char *hf_policy_unit_names(enum hf_signal signal)
{
	switch (hf_signal_unit(signal)) {
	case HF_UNIT_MS:
		return "ms, s, m, h or d";
	case HF_UNIT_PERMILLE:
		return "% or x (2x is 200%)";
	case HF_UNIT_CELSIUS:
		return "C";
	case HF_UNIT_COUNT:
		return "a plain number";
	case HF_UNIT_FLAG:
		return "true or false: write the name alone, or not NAME";
	}
	return "";
}

/* Tokens */

static void skip_blanks(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n')
		reader->at++;
	reader->token = reader->at;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "" when there is none. */
static void take_word(struct reader *reader, char ret_word[WORD_BYTES])
{
	size_t length = 0;

	skip_blanks(reader);
	while (is_letter(*reader->at) ||
	       (length > 0 && (is_digit(*reader->at) || *reader->at == '.'))) {
		if (length + 1 < WORD_BYTES)
			ret_word[length] = *reader->at;
		length++;
		reader->at++;
	}
	ret_word[length < WORD_BYTES ? length : WORD_BYTES - 1] = '\0';
}

static bool take_sign(struct reader *reader, const char *sign)
{
	size_t length = strlen(sign);

	skip_blanks(reader);
	if (strncmp(reader->at, sign, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static enum hf_code take_signal(struct reader *reader, enum hf_signal *ret_signal)
{
	char word[WORD_BYTES];
	const char *best = NULL;

	take_word(reader, word);
	if (word[0] == '\0')
		return hf_fail(reader->err, HF_E_INVALID,
			       "a signal is missing here, such as camera.frame_age");
	*ret_signal = hf_signal_find(word);
	if (*ret_signal != HF_SIGNAL_COUNT)
		return HF_OK;
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		hf_suggest_consider(word, hf_signal_name((enum hf_signal)i), &best);
	if (best != NULL)
		return hf_fail(reader->err, HF_E_INVALID,
			       "there is no signal \"%s\", so this would never hold; did you mean "
			       "\"%s\"?",
			       word, best);
	return hf_fail(reader->err, HF_E_INVALID,
		       "there is no signal \"%s\", so this would never hold; \"holdfast policy "
		       "signals\" lists those there are",
		       word);
}

/* In thousandths. False: it is none, or too large. */
static bool take_number(struct reader *reader, int64_t *ret_milli)
{
	bool negative = take_sign(reader, "-");
	const char *first = reader->at;
	int64_t milli = 0;
	int decimals = -1;

	if (!is_digit(*first))
		return false;
	for (; is_digit(*reader->at) || (*reader->at == '.' && decimals < 0); reader->at++) {
		if (*reader->at == '.') {
			decimals = 0;
			continue;
		}
		if (decimals >= 0 && ++decimals > DECIMALS_MAX)
			return false;
		if (__builtin_mul_overflow(milli, 10, &milli) ||
		    __builtin_add_overflow(milli, *reader->at - '0', &milli))
			return false;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < DECIMALS_MAX; i++)
		if (__builtin_mul_overflow(milli, 10, &milli))
			return false;
	*ret_milli = negative ? -milli : milli;
	return decimals != 0;
}

static enum hf_code wrong_unit(struct reader *reader, enum hf_signal signal, const char *unit)
{
	return hf_fail(reader->err, HF_E_INVALID,
		       "\"%.20s\" does not fit %s, which is in %s: it takes %s", unit,
		       hf_signal_name(signal), hf_signal_unit_name(hf_signal_unit(signal)),
		       hf_policy_unit_names(signal));
}

static enum hf_code take_value(struct reader *reader, enum hf_signal signal, int64_t *ret_value)
{
	int64_t milli, value, factor = reader->units->factors[signal];
	char unit[WORD_BYTES] = "";

	skip_blanks(reader);
	const char *begin = reader->at;
	if (!take_number(reader, &milli)) {
		reader->token = begin;
		return hf_fail(reader->err, HF_E_INVALID,
			       "a number is missing here: %s is compared with one (%s)",
			       hf_signal_name(signal), hf_policy_unit_names(signal));
	}
	const char *end = reader->at;
	if (*reader->at == '%')
		unit[0] = *reader->at++;
	else if (is_letter(*reader->at))
		take_word(reader, unit);
	reader->token = begin;
	if (unit[0] != '\0') {
		factor = hf_policy_unit_factor(signal, unit);
		if (factor == 0)
			return wrong_unit(reader, signal, unit);
	} else if (factor == 0 && milli != 0) {
		return hf_fail(reader->err, HF_E_INVALID,
			       "%.*s has no unit, and %s could be meant in any: it takes %s",
			       (int)(end - begin), begin, hf_signal_name(signal),
			       hf_policy_unit_names(signal));
	}
	if (__builtin_mul_overflow(milli, factor, &value))
		return hf_fail(reader->err, HF_E_INVALID, "%.*s is too large to be meant",
			       (int)(end - begin), begin);
	if (value % 1000 != 0)
		return hf_fail(reader->err, HF_E_INVALID,
			       "%.*s%s is finer than %s, which is in whole %s", (int)(end - begin),
			       begin, unit, hf_signal_name(signal),
			       hf_signal_unit_name(hf_signal_unit(signal)));
	*ret_value = value / 1000;
	return HF_OK;
}

/* The longer ones first. False: something else stands there. */
static bool take_compare(struct reader *reader, enum hf_compare *ret_compare)
{
	static const enum hf_compare longest_first[] = { HF_COMPARE_AT_LEAST, HF_COMPARE_AT_MOST,
							 HF_COMPARE_EQUAL, HF_COMPARE_ABOVE,
							 HF_COMPARE_BELOW };

	for (size_t i = 0; i < HF_ARRAY_LEN(longest_first); i++) {
		*ret_compare = longest_first[i];
		if (take_sign(reader, hf_compare_sign(longest_first[i])))
			return true;
	}
	return false;
}

/* Terms */

static enum hf_code take_flag(struct reader *reader, enum hf_signal signal, bool wanted,
			      struct hf_term *ret_term)
{
	if (hf_signal_unit(signal) != HF_UNIT_FLAG)
		return hf_fail(reader->err, HF_E_INVALID,
			       "%s is not true or false but in %s: compare it, as in %s > 5%s",
			       hf_signal_name(signal), hf_signal_unit_name(hf_signal_unit(signal)),
			       hf_signal_name(signal),
			       hf_signal_unit(signal) == HF_UNIT_MS         ? "s"
			       : hf_signal_unit(signal) == HF_UNIT_PERMILLE ? "%"
			       : hf_signal_unit(signal) == HF_UNIT_CELSIUS  ? "C"
									    : "");
	*ret_term = (struct hf_term){ (uint16_t)signal, HF_COMPARE_EQUAL, wanted };
	return HF_OK;
}

static enum hf_code take_comparison(struct reader *reader, struct hf_term *ret_term)
{
	enum hf_compare compare;
	enum hf_signal signal;
	int64_t value = 0;

	enum hf_code code = take_signal(reader, &signal);
	if (code != HF_OK)
		return code;
	const char *name_at = reader->token;
	if (!take_compare(reader, &compare)) {
		if (take_sign(reader, "!=") || take_sign(reader, "="))
			return hf_fail(reader->err, HF_E_INVALID,
				       "the comparisons are >, >=, <, <= and ==");
		reader->token = name_at;
		return take_flag(reader, signal, true, ret_term);
	}
	code = take_value(reader, signal, &value);
	if (code != HF_OK)
		return code;
	if (hf_signal_unit(signal) == HF_UNIT_FLAG &&
	    (compare != HF_COMPARE_EQUAL || (value != 0 && value != 1)))
		return hf_fail(reader->err, HF_E_INVALID, "%s is true or false: write %s or not %s",
			       hf_signal_name(signal), hf_signal_name(signal),
			       hf_signal_name(signal));
	*ret_term = (struct hf_term){ (uint16_t)signal, (uint16_t)compare, value };
	return HF_OK;
}

struct parsed {
	struct hf_policy_when *when;
	bool asked[HF_SIGNAL_COUNT];    /* unknown(...) */
	bool compared[HF_SIGNAL_COUNT]; /* with a number */
};

static enum hf_code add_term(struct reader *reader, struct parsed *parsed, struct hf_term term)
{
	struct hf_condition *condition = &parsed->when->condition;

	if (condition->term_count == HF_POLICY_TERMS_MAX)
		return hf_fail(reader->err, HF_E_INVALID,
			       "more than %d comparisons; make two reasons of it, then each says "
			       "which of them it was",
			       HF_POLICY_TERMS_MAX);
	condition->terms[condition->term_count++] = term;
	return HF_OK;
}

/* Behind "unknown". */
static enum hf_code take_unknown(struct reader *reader, struct parsed *parsed)
{
	char word[WORD_BYTES];
	enum hf_signal signal;

	if (!take_sign(reader, "("))
		return hf_fail(reader->err, HF_E_INVALID, "write unknown(SIGNAL)");
	const char *inside = reader->at;
	take_word(reader, word);
	parsed->when->required = strcmp(word, "required") == 0;
	if (!parsed->when->required) {
		reader->at = inside;
		enum hf_code code = take_signal(reader, &signal);
		if (code != HF_OK)
			return code;
		parsed->asked[signal] = true;
	}
	if (!take_sign(reader, ")"))
		return hf_fail(reader->err, HF_E_INVALID, "a \")\" is missing here");
	parsed->when->condition.unknown = !parsed->when->required;
	return HF_OK;
}

static enum hf_code take_term(struct reader *reader, struct parsed *parsed)
{
	struct hf_term term = { 0 };
	char word[WORD_BYTES];
	enum hf_signal signal;
	enum hf_code code;

	skip_blanks(reader);
	const char *begin = reader->at;
	take_word(reader, word);
	if (strcmp(word, "unknown") == 0)
		return take_unknown(reader, parsed);
	if (strcmp(word, "not") == 0) {
		code = take_signal(reader, &signal);
		if (code == HF_OK)
			code = take_flag(reader, signal, false, &term);
	} else {
		reader->at = begin;
		code = take_comparison(reader, &term);
	}
	if (code != HF_OK)
		return code;
	parsed->compared[term.signal] = true;
	return add_term(reader, parsed, term);
}

/* unknown(...) counts for a condition as a whole: see struct hf_condition. */
static enum hf_code settle_unknown(struct reader *reader, struct parsed *parsed, bool is_and)
{
	reader->token = reader->text;
	if (is_and)
		return hf_fail(reader->err, HF_E_INVALID,
			       "unknown(...) is joined by \"or\": what is not known cannot be "
			       "compared as well");
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		if (parsed->compared[i] && !parsed->asked[i])
			return hf_fail(reader->err, HF_E_INVALID,
				       "unknown(...) is asked of every signal of a condition or of "
				       "none: add unknown(%s), or make two reasons",
				       hf_signal_name((enum hf_signal)i));
		if (!parsed->asked[i] || parsed->compared[i])
			continue;
		enum hf_code code = add_term(reader, parsed, hf_term_never((enum hf_signal)i));
		if (code != HF_OK)
			return code;
	}
	parsed->when->condition.any = parsed->when->condition.term_count > 1;
	return HF_OK;
}

static enum hf_code parse(struct reader *reader, struct parsed *parsed)
{
	bool is_and = false, is_or = false;
	unsigned count = 0;
	char word[WORD_BYTES];

	for (;; count++) {
		enum hf_code code = take_term(reader, parsed);

		if (code != HF_OK)
			return code;
		skip_blanks(reader);
		if (*reader->at == '\0')
			break;
		take_word(reader, word);
		if (strcmp(word, "and") != 0 && strcmp(word, "or") != 0)
			return hf_fail(reader->err, HF_E_INVALID,
				       "\"and\", \"or\" or the end is expected here, not \"%.20s\"",
				       word[0] != '\0' ? word : reader->token);
		is_and = is_and || word[0] == 'a';
		is_or = is_or || word[0] == 'o';
		if (is_and && is_or)
			return hf_fail(reader->err, HF_E_INVALID,
				       "\"and\" and \"or\" in one condition: readers differ in "
				       "which binds first; make two reasons of it");
	}
	parsed->when->condition.any = is_or;
	if (parsed->when->required && count > 0)
		return hf_fail(reader->err, HF_E_INVALID,
			       "unknown(required) stands alone: it is about all signals that are "
			       "required");
	return parsed->when->condition.unknown ? settle_unknown(reader, parsed, is_and) : HF_OK;
}

enum hf_code hf_policy_when_parse(const struct hf_policy_units *units, const char *text,
				  struct hf_policy_when *ret_when, struct hf_err *err)
{
	struct reader reader = { units, text, text, text, err };
	struct parsed parsed = { .when = ret_when };

	memset(ret_when, 0, sizeof *ret_when);
	enum hf_code code = parse(&reader, &parsed);
	ret_when->at = (unsigned)(reader.token - text);
	return code;
}
