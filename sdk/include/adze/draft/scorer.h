/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/scorer.h: the kind that says how well each of several models would answer a query. Tier: draft; the
 * revision must match.
 *
 * A router has its own way of scoring; a component of this kind, which its parameter names, does it in another way.
 * It is shown what is known of the query and of each domain, the four terms of the router's own score among it.
 */
#ifndef ADZE_DRAFT_SCORER_H
#define ADZE_DRAFT_SCORER_H

#include <adze/draft/model.h>
#include <adze/error.h>
#include <adze/param.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_SCORER "scorer"
#define ADZE_SCORER_REVISION 1

/* The terms of a score, each in [0, 1]. */
typedef enum adze_term {
  ADZE_TERM_RELEVANCE = 0,
  ADZE_TERM_COMPATIBILITY = 1, /* of emotions */
  ADZE_TERM_SPEED = 2,
  ADZE_TERM_QUALITY = 3
} adze_term;
#define ADZE_TERMS 4

/* Frozen, as the next, so that arrays of it need no stride. Texts end with a NUL. */
typedef struct adze_scorer_domain {
  const char *name;
  const char *description;
  const char *keywords;
  double latency;          /* as it was measured, in whatever unit all have */
  double quality;          /* [0, 1] */
  double profile[8];       /* of emotions, as adze/draft/emotion.h counts them */
  double terms[ADZE_TERMS]; /* of this query */
} adze_scorer_domain;

typedef struct adze_scorer_query {
  adze_text text;
  const char *conversation; /* "": of none */
  double emotions[8];       /* intensities */
  double urgency;           /* [0, 1] */
  double stability;         /* [0, 1]: how alike the last messages of the conversation are */
  double weights[ADZE_TERMS]; /* of the terms, urgency being seen to; their sum is 1 */
} adze_scorer_query;

typedef struct adze_scorer {
  uint32_t struct_size;
  uint32_t reserved;
  const void *own; /* handed to the callback: what a plugin tells its scorers apart by */

  /* One score in [0, 1] for each domain. It must depend on what is shown and on parameters alone, and not on the
   * order of domains: results are found again by that. */
  adze_status (*score) (const adze_host *host, const void *own, const adze_params *params,
                        const adze_scorer_query *query, const adze_scorer_domain *domains, size_t count,
                        double *scores);
} adze_scorer;

/* ---- Using one that a parameter names. */

typedef struct adze_scorer_use adze_scorer_use;

#define ADZE_SCORERS "adze.scorer/1"

typedef struct adze_scorers_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* [callback] The scorer that parameter NAME of type component has. Belongs to the instance, and goes with it. */
  adze_status (*open) (const adze_host *host, const adze_params *params, const char *name, adze_scorer_use **use);
  const char *(*id) (const adze_scorer_use *use);
  /* [callback] As the scorer's own; a score that is not in [0, 1] is refused. */
  adze_status (*score) (const adze_host *host, adze_scorer_use *use, const adze_scorer_query *query,
                        const adze_scorer_domain *domains, size_t count, double *scores);
} adze_scorers_service;

static inline const adze_scorers_service *
adze_scorers_of (const adze_host *host)
{
  return (const adze_scorers_service *)host->service (host, ADZE_SCORERS);
}

ADZE_END_DECLS

#endif
