/* SPDX-License-Identifier: Apache-2.0 */
/* feel.c: which emotions are in a query, what negation makes of them, and how urgent it is.
 *
 * The classifier sums up what n-grams speak for. Those of words behind a negation, "not happy", speak for the opposite
 * on the wheel instead. A text without negations is what the classifier makes of it. */
#include "route.h"

#include <math.h>

enum { PLAIN, NEGATED };

adze_status
route_feeler_open (const route_run *r, route_feeler *feeler)
{
  adze_status status = adze_ngrams_open (r->host, &r->model.settings, &feeler->plain);
  return status == ADZE_OK ? adze_ngrams_open (r->host, &r->model.settings, &feeler->negated) : status;
}

void
route_feeler_close (const route_run *r, route_feeler *feeler)
{
  adze_ngrams_close (r->host, &feeler->plain);
  adze_ngrams_close (r->host, &feeler->negated);
  adze_bytes_release (r->host, &feeler->words[PLAIN]);
  adze_bytes_release (r->host, &feeler->words[NEGATED]);
}

/* ---- Words. */

static bool
is_word (const char *word, size_t size, const char *known)
{
  for (size_t i = 0; i < size; i++) {
    const char small = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + ('a' - 'A')) : word[i];
    if (small != known[i])
      return false;
  }
  return !known[size];
}

static bool
is_any (const char *word, size_t size, const char *const *known)
{
  for (; *known; known++)
    if (strlen (*known) == size && is_word (word, size, *known))
      return true;
  return false;
}

static bool
negates (const char *word, size_t size)
{
  static const char *const known[]
      = { "not", "no", "never", "nothing", "nobody", "none", "without", "hardly", "neither", "nor", "cannot", NULL };
  /* The apostrophe of type, U+2019, is what telephones write. */
  static const char *const endings[] = { "n't", "n\xe2\x80\x99t", NULL };
  for (const char *const *ending = endings; *ending; ending++) {
    const size_t end = strlen (*ending);
    if (size > end && is_word (word + size - end, end, *ending))
      return true;
  }
  return is_any (word, size, known);
}

static bool
hurries (const char *word, size_t size)
{
  static const char *const known[] = { "urgent", "urgently", "asap",      "immediately", "emergency", "hurry",
                                       "quick",  "quickly",  "now",       "deadline",    "instantly", NULL };
  return is_any (word, size, known);
}

/* The word at AT, as n-grams have them; what is no letter is one by itself. */
static size_t
word_at (adze_text text, size_t at)
{
  size_t size = 1;
  if (!adze_ngrams_in_word ((unsigned char)text.data[at]))
    return 1;
  while (at + size < text.size && adze_ngrams_in_word ((unsigned char)text.data[at + size]))
    size++;
  return size;
}

static bool
ends_scope (const char *word, size_t size)
{
  return (size == 1 && strchr (".,;:!?", *word)) || (size == 3 && is_word (word, size, "but"));
}

static adze_status
add_word (const route_run *r, adze_bytes *words, const char *word, size_t size)
{
  adze_status status = adze_bytes_add (r->host, words, word, size);
  return status == ADZE_OK ? adze_bytes_add (r->host, words, " ", 1) : status;
}

/* Words of each kind apart; and how many hurry. *FOUND: there are words of the second kind. */
static adze_status
part (const route_run *r, route_feeler *f, adze_text text, bool *found, uint32_t *hurry)
{
  adze_status status = ADZE_OK;
  uint32_t scope = 0;
  *found = false;
  *hurry = 0;
  f->words[PLAIN].size = f->words[NEGATED].size = 0;
  for (size_t at = 0, size; status == ADZE_OK && at < text.size; at += size) {
    const char *word = text.data + at;
    size = word_at (text, at);
    if ((unsigned char)*word <= ' ')
      continue;
    const bool inside = scope > 0 && adze_ngrams_in_word ((unsigned char)*word) && !ends_scope (word, size);
    *found = *found || inside;
    *hurry += hurries (word, size);
    scope = ends_scope (word, size) ? 0 : inside ? scope - 1 : scope;
    if (!inside && negates (word, size))
      scope = r->settings.window;
    status = add_word (r, &f->words[inside ? NEGATED : PLAIN], word, size);
  }
  return status;
}

/* ---- Emotions. */

/* Adds what NGRAMS speak for, each bucket's weights turned by TURN on the wheel; returns the square of their length. */
static double
add_scores (const adze_emotion_model *model, const adze_ngrams *ngrams, uint32_t turn, double scores[ADZE_EMOTIONS])
{
  double length = 0;
  for (size_t i = 0; i < ngrams->count; i++) {
    const adze_ngram *item = &ngrams->items[i];
    const float value = adze_emotion_value (model->idf[item->bucket], item->count);
    const float *weights = model->weights + (size_t)item->bucket * ADZE_EMOTIONS;
    length += (double)value * value;
    for (uint32_t e = 0; e < ADZE_EMOTIONS; e++)
      scores[e] += (double)value * weights[(e + turn) % ADZE_EMOTIONS];
  }
  return length;
}

static adze_status
find_scores (const route_run *r, route_feeler *f, adze_text text, bool negated, float scores[ADZE_EMOTIONS])
{
  const adze_emotion_model *model = &r->model;
  double sums[ADZE_EMOTIONS] = { 0 };
  if (!negated) {
    adze_status status = adze_ngrams_read (r->host, &f->plain, text.data, (size_t)text.size);
    adze_emotion_scores (model, &f->plain, scores);
    return status;
  }
  adze_status status = adze_ngrams_read (r->host, &f->plain, f->words[PLAIN].data, f->words[PLAIN].size);
  if (status == ADZE_OK)
    status = adze_ngrams_read (r->host, &f->negated, f->words[NEGATED].data, f->words[NEGATED].size);
  const double length = add_scores (model, &f->plain, 0, sums)
                        + add_scores (model, &f->negated, ADZE_EMOTIONS / 2, sums);
  for (int e = 0; e < ADZE_EMOTIONS; e++)
    scores[e] = length > 0 ? (float)(sums[e] / sqrt (length)) : 0;
  return status;
}

/* The second word that hurries makes it as urgent as can be. */
adze_status
route_feel (const route_run *r, route_feeler *f, adze_text text, route_reading *reading)
{
  float scores[ADZE_EMOTIONS];
  bool negated = false;
  uint32_t hurry = 0;
  adze_status status = part (r, f, text, &negated, &hurry);
  if (status == ADZE_OK)
    status = find_scores (r, f, text, negated, scores);
  if (status != ADZE_OK)
    return status;
  reading->urgency = hurry >= 2 ? 1 : hurry / 2.0;
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
    const double p = adze_emotion_probability (&r->model, e, scores[e]);
    reading->emotions[e] = p > r->model.threshold[e] ? p : 0;
  }
  return ADZE_OK;
}
