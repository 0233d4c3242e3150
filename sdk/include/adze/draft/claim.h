/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/claim.h: a technique with run says what is true of the tensors that it gives. Tier: draft.
 *
 * For run, on its thread. What was true of the tensors that came in and still is needs no word:
 * the host sees to that (adze/draft/traits.h).
 */
#ifndef ADZE_DRAFT_CLAIM_H
#define ADZE_DRAFT_CLAIM_H

#include <adze/draft/run.h>

ADZE_BEGIN_DECLS

#define ADZE_CLAIM "adze.claim/1"

typedef struct adze_claim_service {
  uint32_t struct_size;

  /* [callback] TENSOR, which was given to PORT before, has the trait ID, whose JSON is an object. The host verifies
   * those that it knows. A tensor has one trait of an ID, which is said once: this one goes before one that it had
   * when it came in at port 0. JSON NULL: it has such a trait no more, of which the host warns. */
  adze_status (*trait) (const adze_host *host, adze_context *context, const char *port,
                        const char *tensor, const char *id, const char *json);
} adze_claim_service;

static inline const adze_claim_service *
adze_claim_of (const adze_host *host)
{
  return (const adze_claim_service *)host->service (host, ADZE_CLAIM);
}

ADZE_END_DECLS

#endif
