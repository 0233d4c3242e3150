/* SPDX-License-Identifier: Apache-2.0 */
/* discover.h: what the files of this plugin share.
 *   causal-discover.c  component, parameters, the run
 *   found.c            room for graphs, and for what a search finds
 *   settings.c         parameters as numbers; those that play no part are refused
 *   columns.c, categories.c   a table as columns of numbers or of categories, in the order of their names (columns.h)
 *   knowledge.c        what is required, forbidden, earlier; contradictions in it
 *   pdag.c             graphs with lines and arrows (pdag.h)
 *   skeleton.c         PC-stable: which are adjacent, and what separates the others
 *   orient.c           which arrows follow from that
 *   fisher.c, contingency.c, known.c   tests of independence: partial correlation; chi-square, G-square; a known graph
 *   tails.c            how likely a statistic is
 *   strata.c           rows that have the same of some columns
 *   score.c, ges.c, operators.c   greedy search by a score (ges.h)
 *   notears.c, quasi-newton.c, exponential.c   weights without circles
 *   bootstrap.c        how often each edge is found in tables that might as well have been drawn
 *   tell.c, report.c   what goes out
 */
#ifndef ADZE_PLUGIN_CAUSAL_DISCOVER_H
#define ADZE_PLUGIN_CAUSAL_DISCOVER_H

#include <adze/draft/dag.h>
#include <adze/draft/table.h>
#include <adze/sdk.h>

#include "pdag.h"

/* Variables of a graph at most: pairs are remembered, each by itself. */
#define DISCOVER_VARIABLES 2048

/* Categories of a column at most. */
#define DISCOVER_CATEGORIES 255

typedef enum discover_method { DISCOVER_PC, DISCOVER_GES, DISCOVER_NOTEARS } discover_method;
typedef enum discover_test { DISCOVER_FISHER_Z, DISCOVER_CHI_SQUARE, DISCOVER_G_SQUARE, DISCOVER_ORACLE } discover_test;
typedef enum discover_score { DISCOVER_BIC, DISCOVER_DISCRETE_BIC, DISCOVER_BDEU } discover_score;
typedef enum discover_colliders { DISCOVER_MAJORITY, DISCOVER_CONSERVATIVE, DISCOVER_BEST } discover_colliders;
typedef enum discover_cut { DISCOVER_UNCUT, DISCOVER_BY_QUANTILE, DISCOVER_BY_WIDTH } discover_cut;

typedef struct discover_settings {
  discover_method method;
  discover_test test;
  discover_score score;
  discover_colliders colliders;
  discover_cut cut;
  double alpha, penalty, equivalent_samples, lambda, threshold, tolerance;
  uint32_t depth; /* UINT32_MAX: none */
  uint32_t bins, bootstrap, rounds;
  bool drop_row, standardise;
} discover_settings;

/* ---- Knowledge: what each ordered pair may be. */

enum { DISCOVER_FORBIDDEN = 1, DISCOVER_REQUIRED = 2 };

typedef struct discover_knowledge {
  uint32_t count;
  uint8_t *pairs; /* [from * count + to] */
  size_t required, forbidden, tiers; /* how many were said */
} discover_knowledge;

static inline bool
discover_may (const discover_knowledge *k, uint32_t from, uint32_t to)
{
  return !(k->pairs[(size_t)from * k->count + to] & DISCOVER_FORBIDDEN);
}

static inline bool
discover_must (const discover_knowledge *k, uint32_t from, uint32_t to)
{
  return k->pairs[(size_t)from * k->count + to] & DISCOVER_REQUIRED;
}

/* ---- Columns. Of numbers: mean 0 and mean square 1. */

typedef struct discover_data {
  uint32_t count;
  size_t rows, dropped;
  double *numbers;  /* [column * rows + row]; NULL: categories */
  double *spread;   /* of each column, the standard deviation that it had */
  uint8_t *codes;   /* likewise */
  uint32_t *kinds;  /* how many categories each column has */
} discover_data;

/* ---- What was found of one pair, x < y. */

typedef struct discover_times {
  uint32_t node, times;
} discover_times;

typedef struct discover_pair {
  double p;          /* the largest that a test has found; NaN: none was made */
  uint32_t size;     /* of the sets that separate */
  uint32_t sets;     /* how many separate; 0: the two are adjacent, or knowledge says they are not */
  uint32_t in;       /* entries of TIMES */
  uint32_t *nodes;   /* the set with the largest p, SIZE of them; NULL: the empty one */
  discover_times *times; /* in how many of the sets a node is, where it is in any; behind NODES, in their memory */
} discover_pair;

static inline size_t
discover_pairs (uint32_t count)
{
  return (size_t)count * (count - (count > 0)) / 2;
}

/* Its place among all pairs. */
static inline size_t
discover_pair_at (uint32_t count, uint32_t x, uint32_t y)
{
  const size_t low = x < y ? x : y, high = x < y ? y : x;
  return low * (2 * (size_t)count - low - 1) / 2 + (high - low - 1);
}

/* ---- A run. */

typedef struct discover_conflict {
  pdag_triple triple;
  double p;
} discover_conflict;

/* What one search has found. */
typedef struct discover_found {
  pdag graph;
  discover_pair *pairs;   /* of PC; else NULL */
  double *strength;       /* of each pair: p, what the score loses without it, or the weight */
  discover_conflict *colliders, *conflicts; /* of PC: those that stand, and those that others contradict */
  size_t collider_count, conflict_count;
  pdag_triple *doubts;
  size_t doubt_count;
  uint32_t *left_out;     /* pairs from, to that knowledge has only one direction for, which would lead in a circle */
  size_t left_out_count;
  uint64_t tests, steps;  /* tests made; operators applied or rounds of NOTEARS */
  uint32_t depth;         /* that PC came to */
  double score, circle;   /* of GES; of NOTEARS, what is left of circles before weights are cut off */
} discover_found;

typedef struct discover_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  adze_context *context;
  discover_settings settings;
  uint32_t count;
  char **names; /* in order */
  discover_data data;
  adze_dag *known;          /* what is bound to `graph`; NULL: nothing */
  uint32_t *known_nodes;    /* the node of each variable in it; NULL: it is not about these */
  discover_knowledge knowledge;
  discover_found found;
  uint32_t *counted;        /* [pair * 3 + ...]: in how many tables low --> high, high --> low, a line; NULL: none drawn */
  uint64_t round, work;     /* for progress */
} discover_run;

/* Zeroed; a failure says what there was no room for. */
adze_status discover_room (const adze_host *host, size_t count, size_t size, const char *what, void *room);

/* False status: somebody asks to stop. */
adze_status discover_go_on (discover_run *r);

/* ---- Parameters. */
adze_status discover_read_settings (const adze_host *host, const adze_params *params, discover_settings *settings);
bool discover_is_discrete (const discover_settings *settings);

/* Text I of the list NAME, in the order in which they were written. */
const char *discover_text_at (const adze_host *host, const adze_params *params, const char *name, size_t i);
size_t discover_text_count (const adze_host *host, const adze_params *params, const char *name);

/* ---- Variables, from the table at `table` or the graph at `graph`. */
adze_status discover_read_table (discover_run *r);
adze_status discover_read_known (discover_run *r);
adze_status discover_name_nodes (discover_run *r);
uint32_t discover_find (const discover_run *r, const char *name, size_t size); /* UINT32_MAX: none */
void discover_close_data (const adze_host *host, discover_data *data);
/* Numbers with mean 0 and mean square 1; a column without spread becomes zeros. */
double discover_standardise (double *column, size_t rows);

adze_status discover_read_knowledge (discover_run *r);

/* ---- Tests. */

typedef struct discover_ask {
  uint32_t x, y;
  const uint32_t *given;
  uint32_t given_count;
} discover_ask;

typedef struct discover_tester {
  discover_run *r;
  const discover_data *data;
  double *correlations; /* of fisher.c, as many as COUNT squared */
  bool draws;           /* rows were drawn again: what cannot be computed is taken as dependent */
  /* Bytes that a call needs of its own with so many given. */
  size_t (*scratch) (const struct discover_tester *tester, uint32_t given_count);
  /* On several threads at once. */
  adze_status (*ask) (const struct discover_tester *tester, const discover_ask *ask, void *scratch, double *p);
  uint32_t most_given;
} discover_tester;

adze_status discover_correlate (const discover_run *r, const discover_data *data, double **correlations);
adze_status discover_check_singular (const discover_run *r, const double *correlations);
adze_status discover_open_tester (discover_run *r, const discover_data *data, bool draws, discover_tester *tester);
void discover_close_tester (discover_tester *tester);

size_t discover_fisher_scratch (const discover_tester *tester, uint32_t given_count);
adze_status discover_fisher_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p);
size_t discover_contingency_scratch (const discover_tester *tester, uint32_t given_count);
adze_status discover_contingency_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p);
size_t discover_known_scratch (const discover_tester *tester, uint32_t given_count);
adze_status discover_known_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p);

/* KEYS, one for each row: the number of what NODES have in it among all that they have, and the row in the lower half;
 * in order. */
void discover_sort_rows (const discover_data *data, const uint32_t *nodes, uint32_t node_count, uint64_t *keys);

/* P(|Z| > |z|) of a standard normal; P(X > x) of chi-square. */
double discover_normal_tail (double z);
double discover_chi_square_tail (double x, double degrees);

/* ---- Searches. */
adze_status discover_open_found (discover_run *r, discover_found *found);
void discover_close_found (discover_run *r, discover_found *found);
adze_status discover_open_pdag (const adze_host *host, uint32_t count, pdag *graph);
void discover_close_pdag (const adze_host *host, pdag *graph);

adze_status discover_skeleton (discover_run *r, const discover_tester *tester, discover_found *found);
adze_status discover_orient (discover_run *r, discover_found *found);
adze_status discover_by_score (discover_run *r, const discover_data *data, bool draws, discover_found *found);
adze_status discover_by_weights (discover_run *r, const discover_data *data, bool draws, discover_found *found);
adze_status discover_search (discover_run *r, const discover_data *data, bool draws, discover_found *found);
adze_status discover_bootstrap (discover_run *r);

/* ---- Scores: of a node with these parents, the higher the better. */
typedef struct discover_scorer {
  discover_run *r;
  const discover_data *data;
  double *correlations;
} discover_scorer;

adze_status discover_open_scorer (discover_run *r, const discover_data *data, discover_scorer *scorer);
void discover_close_scorer (discover_scorer *scorer);
size_t discover_score_scratch (const discover_scorer *scorer, uint32_t parent_count);
double discover_score_of (const discover_scorer *scorer, uint32_t node, const uint32_t *parents, uint32_t parent_count,
                          void *scratch);

/* ---- Of numbers alone. */

/* E = exp(A) of an N x N matrix without negative entries; ROOM is for 4 N x N. */
adze_status discover_exponential (const adze_host *host, uint32_t n, const double *a, double *e, double *room);
/* C = A B. */
adze_status discover_multiply (const adze_host *host, uint32_t n, const double *a, const double *b, double *c);

/* The least of a smooth function plus LAMBDA times the sum of magnitudes; OPEN: which numbers may change. */
typedef struct discover_problem {
  const adze_host *host;
  size_t count;
  double lambda;
  const uint8_t *open;
  adze_status (*value) (void *argument, const double *at, double *value, double *slope);
  void *argument;
  uint32_t most; /* steps */
} discover_problem;

adze_status discover_minimise (const discover_problem *problem, double *at);

/* ---- What goes out. */
adze_status discover_tell (discover_run *r);
/* Appends a name as a graph has it, in quotes where it needs them, and a NUL. */
adze_status discover_quote (const discover_run *r, const char *name, adze_bytes *text);
adze_status discover_give_report (discover_run *r);
const char *discover_why (pdag_why why);
const char *discover_strength_name (const discover_settings *s); /* "p", "score", "weight" */
/* Of the tables that were drawn: how many have this mark, or any. */
double discover_share (const discover_run *r, uint32_t from, uint32_t to, bool line);
double discover_any_share (const discover_run *r, uint32_t x, uint32_t y);
/* How far it is from what is known: false where nothing is. */
adze_status discover_compare (discover_run *r, bool *compared, size_t *distance);

#endif
