/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   causal-explain.c  the plugin; what comes in
 *   paths.c           the paths between treatment and outcome, and what opens and blocks them
 *   picture.c         the graph, drawn
 *   doubts.c          what would change the conclusion
 *   page.c            the page
 *   report.c          the same as data
 */
#ifndef CAUSAL_EXPLAIN_EXPLAIN_H
#define CAUSAL_EXPLAIN_EXPLAIN_H

#include <adze/sdk.h>

/* More nodes than these make no page that anybody reads. */
enum { EXPLAIN_NODES = 128 };

typedef uint8_t explain_set[EXPLAIN_NODES]; /* 1: in it */

/* How a path goes on from a node to the next one. */
typedef enum explain_step {
  EXPLAIN_FORTH, /* --> */
  EXPLAIN_BACK,  /* <-- */
  EXPLAIN_HIDDEN /* <-> */
} explain_step;

typedef struct explain_path {
  uint32_t count;              /* of nodes */
  uint8_t nodes[EXPLAIN_NODES];
  uint8_t steps[EXPLAIN_NODES]; /* explain_step; one fewer than nodes */
  bool causes;                 /* arrows lead all the way from treatment to outcome */
  bool open_alone;             /* with nothing given */
  bool open;                   /* with what is adjusted for */
  uint8_t blocker;             /* the first node that blocks it, where it is not open */
  bool blocker_is_given;       /* or else two arrowheads meet there, and nothing is given that would open it */
} explain_path;

typedef struct explain_pair {
  uint8_t one, other;
} explain_pair;

enum { EXPLAIN_PATHS = 64, EXPLAIN_PAIRS = 64 };

typedef struct explain_run {
  const adze_host *host;
  const adze_run_service *run;
  adze_context *context;
  const adze_dag_service *dags;
  const adze_json_service *jsons;

  adze_dag *dag;
  uint32_t node_count;
  const adze_json_at *identified, *estimated; /* NULL: it is not bound */

  explain_set treatment, outcome, adjusted;
  bool adjusts; /* .adjusted is what the estimate, or the formula, adjusts for */

  explain_path paths[EXPLAIN_PATHS];
  uint32_t path_count;
  bool more_paths;

  explain_pair pairs[EXPLAIN_PAIRS]; /* that a hidden cause would undo the conclusion of */
  uint32_t pair_count;
  bool more_pairs;
  uint32_t drawn; /* adze_drawn */
} explain_run;

static inline const char *
explain_name (const explain_run *r, uint32_t node)
{
  return r->dags->name (r->dag, node);
}

/* paths.c */
void explain_find_paths (explain_run *r);

/* picture.c: appends the element, or what says in words why there is none; .drawn. */
adze_status explain_draw (explain_run *r, adze_bytes *page);

/* doubts.c */
adze_status explain_find_pairs (explain_run *r);

/* page.c and report.c: to the ports. */
adze_status explain_give_page (explain_run *r);
adze_status explain_give_report (explain_run *r);

/* page.c: TEXT as it stands in a page: signs that mean something there do not. */
adze_status explain_escape (const adze_host *host, adze_bytes *page, const char *text);
/* "A --> B <-- C", for both. */
adze_status explain_write_path (const explain_run *r, const explain_path *path, adze_bytes *text);

#endif
