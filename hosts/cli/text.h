/* SPDX-License-Identifier: Apache-2.0 */
/* cli/text.h: text, one character at a time. Knows nothing of streams. */
#ifndef ADZE_CLI_TEXT_H
#define ADZE_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline void
adze_cli_cleanup_free (void *pointer)
{
  free (*(void **)pointer);
}

/* free when it goes out of scope. */
#define ADZE_CLI_FREE __attribute__ ((cleanup (adze_cli_cleanup_free)))

#define ADZE_CLI_COUNT_OF(array) (sizeof (array) / sizeof ((array)[0]))

/* The first character of TEXT (which must not be empty) and how many bytes it takes. A byte that
 * is no UTF-8 is taken alone, as ADZE_CLI_BAD. */
#define ADZE_CLI_BAD UINT32_MAX
size_t adze_cli_text_read (const char *text, uint32_t *code);

/* Would it move the cursor, change colours or turn the line round? Then it is shown by number. */
bool adze_cli_text_unsafe (uint32_t code);

/* The columns that the first SIZE bytes take on a terminal, as adze_cli_print shows them. */
size_t adze_cli_text_width (const char *text, size_t size);

/* The name that WORD was probably meant to be: NULL when none is near. */
const char *adze_cli_nearest (const char *word, const char *const *names, size_t count);

/* A whole number, all of TEXT, from LEAST to MOST. */
bool adze_cli_number (const char *text, uint64_t least, uint64_t most, uint64_t *number);

/* Bytes: "4096", "64KiB", "64 MiB", "2GiB", "1.5GB": K, M, G, T with or without iB (powers of
 * 1024) or B (powers of 1000). */
bool adze_cli_size (const char *text, uint64_t *bytes);

#endif
