/* SPDX-License-Identifier: Apache-2.0 */
/* decide.c: the terms, their weights, the score, the winner, and why. */
#include "route.h"

#include <math.h>
#include <stdio.h>

/* ---- What is known of the query. */

/* Emotions of a conversation: a message counts half of the one behind it, over the last so many. */
static void
feel_conversation (const route_run *r, size_t query, adze_scorer_query *q)
{
  double share = 1, all = 0, alike = 0;
  uint32_t pairs = 0;
  const double *later = NULL;
  memset (q->emotions, 0, sizeof q->emotions);
  for (uint32_t i = 0; i < r->settings.history && query != SIZE_MAX; i++, share /= 2, query = r->before[query]) {
    const double *own = r->readings[r->row_of[query]].emotions;
    double product = 0, one = 0, other = 0;
    for (int e = 0; e < ADZE_EMOTIONS; e++) {
      q->emotions[e] += share * own[e];
      product += later ? own[e] * later[e] : 0;
      one += own[e] * own[e];
      other += later ? later[e] * later[e] : 0;
    }
    all += share;
    if (later) {
      /* Two without emotions are alike, and one of them is not like one with some. */
      alike += one > 0 && other > 0 ? product / sqrt (one * other) : one == other;
      pairs++;
    }
    later = own;
  }
  for (int e = 0; e < ADZE_EMOTIONS; e++)
    q->emotions[e] /= all;
  q->stability = pairs > 0 ? fmin (alike / pairs, 1) : 1;
}

/* Urgency takes from all other weights, each by the same share, and gives it to speed: their sum stays 1. */
static void
weigh (const route_run *r, adze_scorer_query *q)
{
  const double *weights = r->settings.weights, taken = r->settings.urgency * q->urgency;
  for (int t = 0; t < ADZE_TERMS; t++)
    q->weights[t] = (1 - taken) * weights[t] + (t == ADZE_TERM_SPEED ? taken : 0);
}

/* ---- Terms. */

/* How well what is felt goes with what a domain is good for; half where one of them is nothing. */
static double
compatibility (const double felt[ADZE_EMOTIONS], const double profile[ADZE_EMOTIONS])
{
  double sum = 0, of = 0, to = 0;
  for (uint32_t i = 0; i < ADZE_EMOTIONS; i++) {
    of += felt[i];
    to += profile[i];
    for (uint32_t k = 0; felt[i] > 0 && k < ADZE_EMOTIONS; k++)
      sum += felt[i] * profile[k] * adze_emotion_closeness (i, k);
  }
  return of > 0 && to > 0 ? fmin (sum / (of * to), 1) : 0.5;
}

static void
find_terms (const route_run *r, size_t query, const adze_scorer_query *q, adze_scorer_domain *domains)
{
  const float *relevance = r->relevance + r->row_of[query] * r->domain_count;
  for (size_t d = 0; d < r->domain_count; d++) {
    double *terms = domains[d].terms;
    terms[ADZE_TERM_RELEVANCE] = relevance[d];
    terms[ADZE_TERM_COMPATIBILITY] = compatibility (q->emotions, domains[d].profile);
    terms[ADZE_TERM_SPEED] = r->fastest / domains[d].latency;
    terms[ADZE_TERM_QUALITY] = domains[d].quality;
  }
}

static double
score_of (const adze_scorer_query *q, const adze_scorer_domain *domain)
{
  double score = 0;
  for (int t = 0; t < ADZE_TERMS; t++)
    score += q->weights[t] * domain->terms[t];
  return fmin (score, 1);
}

/* ---- The winner. */

/* Above 0: ONE comes before OTHER. *BY: what decided, where scores are equal. Names are all different, so that the order of
 * domains never counts. */
static int
compare (const adze_scorer_domain *domains, const double *scores, size_t one, size_t other, const char **by)
{
  *by = NULL;
  if (scores[one] != scores[other])
    return scores[one] > scores[other] ? 1 : -1;
  *by = "quality";
  if (domains[one].quality != domains[other].quality)
    return domains[one].quality > domains[other].quality ? 1 : -1;
  *by = "latency";
  if (domains[one].latency != domains[other].latency)
    return domains[one].latency < domains[other].latency ? 1 : -1;
  *by = "the order of names";
  return strcmp (domains[one].name, domains[other].name) < 0 ? 1 : -1;
}

static void
choose (const route_run *r, const adze_scorer_domain *domains, route_decision *d)
{
  const char *by;
  d->best = 0;
  d->second = SIZE_MAX;
  for (size_t i = 1; i < r->domain_count; i++) {
    if (compare (domains, d->scores, i, d->best, &by) > 0) {
      d->second = d->best;
      d->best = i;
    } else if (d->second == SIZE_MAX || compare (domains, d->scores, i, d->second, &by) > 0)
      d->second = i;
  }
  d->tie = NULL;
  if (d->second != SIZE_MAX)
    compare (domains, d->scores, d->best, d->second, &d->tie);
  d->fell_back = d->scores[d->best] < r->settings.threshold;
  d->winner = d->fell_back ? r->fallback : d->best;
}

/* The strongest; of equal ones the first on the wheel. Those that weigh on somebody ask for empathy. */
static void
find_mood (const double emotions[ADZE_EMOTIONS], route_decision *d)
{
  static const bool weighs[ADZE_EMOTIONS] = { [2] = true, [4] = true, [5] = true, [6] = true };
  double most = 0;
  d->emotion = ADZE_EMOTIONS;
  d->empathy = 0;
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
    if (emotions[e] > most) {
      most = emotions[e];
      d->emotion = e;
    }
    if (weighs[e])
      d->empathy = fmax (d->empathy, emotions[e]);
  }
}

adze_status
route_decide (const route_run *r, size_t query, adze_scorer_domain *domains, route_decision *d)
{
  adze_scorer_query *q = &d->query;
  adze_status status = ADZE_OK;
  q->text = r->tables->cell (r->query_table, query, r->text_column);
  q->conversation
      = r->conversation_column == SIZE_MAX ? "" : r->tables->cell (r->query_table, query, r->conversation_column).data;
  q->urgency = r->readings[r->row_of[query]].urgency;
  feel_conversation (r, query, q);
  weigh (r, q);
  find_terms (r, query, q, domains);
  if (r->scorer)
    status = adze_scorers_of (r->host)->score (r->host, r->scorer, q, domains, r->domain_count, d->scores);
  for (size_t i = 0; !r->scorer && i < r->domain_count; i++)
    d->scores[i] = score_of (q, &domains[i]);
  if (status != ADZE_OK)
    return status;
  choose (r, domains, d);
  find_mood (q->emotions, d);
  return ADZE_OK;
}

/* ---- How the answer should be, and why it is this one. */

const char *
route_tone (uint32_t emotion)
{
  static const char *const tones[] = { "cheerful", "friendly", "reassuring", "clear", "gentle", "factual", "calm",
                                       "encouraging", "neutral" };
  return tones[emotion];
}

const char *
route_empathy (double level)
{
  return level >= 0.6 ? "high" : level > 0 ? "medium" : "low";
}

int
route_shown (const char *text, size_t most)
{
  size_t size = strlen (text);
  if (size > most)
    for (size = most; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
      size--;
  return (int)size;
}

static size_t
add_mood (const route_decision *d, char *words, size_t room)
{
  if (d->emotion == ADZE_EMOTIONS)
    return (size_t)snprintf (words, room, "no emotion stands out");
  return (size_t)snprintf (words, room, "%s is %.2f", adze_emotion_name (d->emotion), d->query.emotions[d->emotion]);
}

void
route_reason (const route_run *r, const adze_scorer_domain *domains, const route_decision *d, char words[1024])
{
  enum { NAME = 80 };
  const adze_scorer_domain *best = &domains[d->best];
  const double *t = best->terms;
  const char *second = d->second == SIZE_MAX ? "" : domains[d->second].name, *winner = domains[d->winner].name;
  size_t used = (size_t)snprintf (words, 1024, "'%.*s' has %.3f: relevance %.2f, compatibility %.2f (",
                                  route_shown (best->name, NAME), best->name, d->scores[d->best], t[0], t[1]);
  used += add_mood (d, words + used, 1024 - used);
  used += (size_t)snprintf (words + used, 1024 - used, "), speed %.2f, quality %.2f", t[2], t[3]);
  if (r->scorer)
    used += (size_t)snprintf (words + used, 1024 - used, ", by the scorer %.80s", adze_scorers_of (r->host)->id (r->scorer));
  if (d->query.urgency > 0)
    used += (size_t)snprintf (words + used, 1024 - used, "; it is urgent, so speed weighs %.2f", d->query.weights[2]);
  if (d->tie)
    used += (size_t)snprintf (words + used, 1024 - used, "; '%.*s' has the same, and comes behind by %s",
                              route_shown (second, NAME), second, d->tie);
  else if (d->second != SIZE_MAX)
    used += (size_t)snprintf (words + used, 1024 - used, "; '%.*s' follows with %.3f", route_shown (second, NAME), second,
                              d->scores[d->second]);
  if (d->fell_back && d->winner == d->best)
    snprintf (words + used, 1024 - used, "; that is below the threshold of %.3f, and it is the fallback itself",
              r->settings.threshold);
  else if (d->fell_back)
    snprintf (words + used, 1024 - used, "; that is below the threshold of %.3f, so it falls back to '%.*s'",
              r->settings.threshold, route_shown (winner, NAME), winner);
}
