/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum hf_code hf_code_of_errno(int error_number)
{
	switch (error_number) {
	case EAGAIN:
	case EINTR:
	case EBUSY:
	case ETIMEDOUT:
		return HF_E_AGAIN;
	case ENOENT:
	case ENOTDIR:
	case ENODEV:
	case ENXIO:
		return HF_E_NOENT;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return HF_E_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return HF_E_DENIED;
	case ENOMEM:
		return HF_E_NOMEM;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return HF_E_CLOSED;
	case EINVAL:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case EEXIST:
		return HF_E_INVALID;
	case EMFILE:
	case ENFILE:
	case EMSGSIZE:
		return HF_E_LIMIT;
	default:
		return HF_E_IO;
	}
}

enum hf_code hf_fail(struct hf_err *err, enum hf_code code, const char *format, ...)
{
	if (err != NULL) {
		va_list ap;

		err->code = code;
		va_start(ap, format);
		(void)vsnprintf(err->text, sizeof err->text, format, ap);
		va_end(ap);
	}
	return code;
}

enum hf_code hf_fail_errno(struct hf_err *err, const char *format, ...)
{
	int error_number = errno;
	enum hf_code code = hf_code_of_errno(error_number);

	if (err != NULL) {
		char what[HF_ERR_TEXT_BYTES_MAX / 2];
		va_list ap;

		va_start(ap, format);
		(void)vsnprintf(what, sizeof what, format, ap);
		va_end(ap);
		err->code = code;
		(void)snprintf(err->text, sizeof err->text, "%s: %s", what, strerror(error_number));
	}
	errno = error_number;
	return code;
}

enum hf_code hf_err_prefix(struct hf_err *err, const char *format, ...)
{
	if (err == NULL)
		return HF_E_INVALID;

	char what[HF_ERR_TEXT_BYTES_MAX / 2];
	char rest[HF_ERR_TEXT_BYTES_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	memcpy(rest, err->text, sizeof rest);
	(void)snprintf(err->text, sizeof err->text, "%s: ", what);
	size_t used = strlen(err->text), more = strnlen(rest, sizeof rest - 1 - used);
	memcpy(err->text + used, rest, more);
	err->text[used + more] = '\0';
	return err->code;
}

const char *hf_code_name(enum hf_code code)
{
	switch (code) {
	case HF_OK:
		return "ok";
	case HF_E_AGAIN:
		return "again";
	case HF_E_NOENT:
		return "noent";
	case HF_E_NOSPACE:
		return "nospace";
	case HF_E_IO:
		return "io";
	case HF_E_CORRUPT:
		return "corrupt";
	case HF_E_INVALID:
		return "invalid";
	case HF_E_LIMIT:
		return "limit";
	case HF_E_DENIED:
		return "denied";
	case HF_E_NOMEM:
		return "nomem";
	case HF_E_CLOSED:
		return "closed";
	}
	return "unknown";
}
