/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h: errors as values with a chain.
 *
 * A function that can fail returns adze_error *, and NULL when it went well. The error is built
 * where the fact is known; callers wrap it with what that made impossible, and somebody at the top
 * shows it once. The readers (adze_error_message and so on) are in adze/host.h, since programs
 * that embed the runtime meet the same values.
 */
#ifndef ADZE_BASE_ERROR_H
#define ADZE_BASE_ERROR_H

#include <stdarg.h>

#include <adze/host.h>

#include "base/cleanup.h"

/* vprintf into fresh memory; NULL without memory. For functions that have a format of their own;
 * others use adze_text_format (base/file.h). */
ADZE_PRINTF (1, 0) char *adze_text_vformat (const char *format, va_list arguments);

/* Never fail: without memory they return one static error that says so. */
ADZE_MUST_CHECK ADZE_PRINTF (2, 3) adze_error *adze_error_new (adze_status status,
                                                               const char *format, ...);

/* "format, because CAUSE". Takes CAUSE over; the status stays that of the cause. */
ADZE_MUST_CHECK ADZE_PRINTF (2, 3) adze_error *adze_error_wrap (adze_error *cause,
                                                                const char *format, ...);

/* With errno's text at its end, and a status that fits errno. Saves errno first. */
ADZE_MUST_CHECK ADZE_PRINTF (1, 2) adze_error *adze_error_errno (const char *format, ...);

ADZE_MUST_CHECK adze_error *adze_error_memory (void);

/* Facts about an error, by name: "step", "file", "line", "column", "needed", "found", "hint".
 * Copied; a fact that memory does not suffice for is left out. A second one of the same name
 * replaces the first. On an error without memory nothing happens. */
void adze_error_set (adze_error *error, const char *name, const char *value);
ADZE_PRINTF (3, 4) void adze_error_setf (adze_error *error, const char *name, const char *format,
                                         ...);

/* Fact number INDEX of this link alone, in the order in which they were set; false beyond the last.
 * What is handed out belongs to the error. */
bool adze_error_fact_at (const adze_error *error, size_t index, const char **name,
                         const char **value);

/* Several that were found together, none of them the cause of another: "NAME has 3 mistakes". Takes
 * over the COUNT (at least 1) errors of PARTS, not the array; the status is that of the first. They
 * stay in this process: base/error_wire.h carries the message alone. */
ADZE_MUST_CHECK ADZE_PRINTF (3, 4) adze_error *adze_error_sum (adze_error **parts, size_t count,
                                                               const char *format, ...);

/* Another copy of the same chain. */
adze_error *adze_error_copy (const adze_error *error);

static inline void
adze_error_cleanup (adze_error **error)
{
  adze_error_free (*error);
}

#define ADZE_AUTO_ERROR __attribute__ ((cleanup (adze_error_cleanup))) adze_error *

/* Passes an error on: ADZE_TRY (adze_file_read (...)); */
#define ADZE_TRY(call) \
  do { \
    adze_error *try_error_ = (call); \
    if (try_error_) \
      return try_error_; \
  } while (0)

#endif
