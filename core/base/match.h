/* SPDX-License-Identifier: Apache-2.0 */
/* base/match.h: which names does a rule mean? A glob ("*" any text, "?" one character, "[ab]",
 * "[!a-z]", "{a,b}"), or, behind "re:", a POSIX extended regular expression. Both must match the
 * whole name. */
#ifndef ADZE_BASE_MATCH_H
#define ADZE_BASE_MATCH_H

#include "base/error.h"

typedef struct adze_pattern adze_pattern;

/* The complaint about a bad one says at which character, without file or line. */
ADZE_MUST_CHECK adze_error *adze_pattern_open (const char *text, adze_pattern **pattern);
void adze_pattern_close (adze_pattern *pattern);
/* Time is bounded by pattern times name, also for hostile ones. */
bool adze_pattern_matches (const adze_pattern *pattern, const char *name);

#endif
