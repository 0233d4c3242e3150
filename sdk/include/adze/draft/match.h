/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/match.h: which names does a pattern mean? Tier: draft.
 *
 * As in the rules of a pipeline: a glob ("*" any text, "?" one character, "[ab]", "[!a-z]", "{a,b}"), or, behind
 * "re:", a POSIX extended regular expression. Both must match the whole name.
 */
#ifndef ADZE_DRAFT_MATCH_H
#define ADZE_DRAFT_MATCH_H

#include <adze/error.h>

ADZE_BEGIN_DECLS

#define ADZE_MATCH "adze.match/1"

typedef struct adze_match_service {
  uint32_t struct_size;
  /* [callback] A pattern that is none fails, with what is wrong and at which character. */
  adze_status (*match) (const adze_host *host, const char *pattern, const char *name, bool *matches);
} adze_match_service;

static inline adze_status
adze_match (const adze_host *host, const char *pattern, const char *name, bool *matches)
{
  const adze_match_service *service = (const adze_match_service *)host->service (host, ADZE_MATCH);
  *matches = false;
  return service ? service->match (host, pattern, name, matches)
                 : adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_MATCH);
}

ADZE_END_DECLS

#endif
