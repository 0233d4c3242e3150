/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this plugin share.
 *
 *   route-emotion.c  the plugin: parameters, ports, a run
 *   domains.c        the table of domains: names, texts, profiles, speed, quality
 *   relevance.c      which domain's texts a query is like
 *   feel.c           which emotions are in a query, what negation makes of them, and how urgent it is
 *   queries.c        the table of queries; what each text says, read once; conversations
 *   decide.c         the terms, their weights, the score, the winner, and why
 *   report.c         what is told and given
 */
#ifndef ROUTE_EMOTION_ROUTE_H
#define ROUTE_EMOTION_ROUTE_H

#include <adze/sdk.h>

/* Domains, and bytes of a query, at most. */
enum { ROUTE_DOMAINS = 4096, ROUTE_QUERY_BYTES = 1 << 20 };

typedef struct route_settings {
  double weights[ADZE_TERMS];
  double threshold, urgency;
  const char *fallback; /* "": none */
  uint32_t history, window;
} route_settings;

/* Which domains have an n-gram, and what it weighs there. */
typedef struct route_posting {
  uint32_t domain;
  float weight;
} route_posting;

typedef struct route_index {
  adze_ngrams_settings settings;
  float *idf;      /* by bucket; 0: no domain has it */
  size_t *starts;  /* into POSTINGS, by bucket */
  route_posting *postings;
} route_index;

/* What a text says by itself. */
typedef struct route_reading {
  double emotions[ADZE_EMOTIONS]; /* intensity of those above their threshold; 0 of others */
  double urgency;
} route_reading;

typedef struct route_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  const adze_table_service *tables;
  adze_context *context;
  route_settings settings;
  adze_scorer_use *scorer; /* NULL: the router's own score */

  adze_emotion_model model;
  adze_table *domain_table, *query_table;
  adze_scorer_domain *domains;
  size_t domain_count, fallback;
  double fastest; /* least latency */
  route_index index;

  size_t query_count, text_column, conversation_column; /* SIZE_MAX: there are none */
  size_t *first;      /* the first query of the same text */
  size_t *before;     /* the query before it in its conversation; SIZE_MAX: none */
  size_t *fresh;      /* queries that are the first of their text */
  size_t fresh_count;
  route_reading *readings; /* of first queries */
  float *relevance;        /* [query][domain], of first queries; rows by RELEVANCE_ROW */
  size_t *row_of;          /* which row of readings and relevance a query has */
} route_run;

/* Of one query. */
typedef struct route_decision {
  double *scores;      /* of each domain */
  size_t best, second; /* SECOND: SIZE_MAX with one domain */
  size_t winner;
  bool fell_back;      /* the best score is below the threshold; the best may be the fallback itself */
  const char *tie; /* what decided between equal scores; NULL: there were none */
  adze_scorer_query query;
  uint32_t emotion; /* the strongest; ADZE_EMOTIONS: none */
  double empathy;   /* [0, 1] */
} route_decision;

/* domains.c */
adze_status route_read_domains (route_run *r);

/* relevance.c */
adze_status route_index_open (route_run *r);
void route_index_close (route_run *r);
void route_relevance (const route_run *r, const adze_ngrams *ngrams, float *relevance);

/* feel.c */
typedef struct route_feeler {
  adze_ngrams plain, negated;
  adze_bytes words[2]; /* what is in no scope of a negation, and what is */
} route_feeler;

adze_status route_feeler_open (const route_run *r, route_feeler *feeler);
void route_feeler_close (const route_run *r, route_feeler *feeler);
adze_status route_feel (const route_run *r, route_feeler *feeler, adze_text text, route_reading *reading);

/* queries.c */
adze_status route_read_queries (route_run *r);

/* decide.c */
adze_status route_decide (const route_run *r, size_t query, adze_scorer_domain *domains, route_decision *decision);
const char *route_tone (uint32_t emotion);
const char *route_empathy (double level);
/* How many bytes of a text fit in MOST, and end with a character. */
int route_shown (const char *text, size_t most);
void route_reason (const route_run *r, const adze_scorer_domain *domains, const route_decision *decision,
                   char words[1024]);

/* report.c */
adze_status route_answer (route_run *r);

#endif
