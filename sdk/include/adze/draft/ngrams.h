/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/ngrams.h: texts as counts of hashed n-grams: words, words that follow each other, and pieces of words.
 * Tier: draft. All inline: what is compiled in here belongs to the plugin.
 *
 * A word is letters, digits, apostrophes and all bytes that are no ASCII; whatever else is no space is a word of one
 * character. Capitals of ASCII become small. Each n-gram is hashed to the number of a bucket; two that meet in one
 * are counted together. What comes of a text depends on the settings and on its bytes alone, so that a model that was
 * learnt on one machine is asked on another.
 */
#ifndef ADZE_DRAFT_NGRAMS_H
#define ADZE_DRAFT_NGRAMS_H

#include <string.h>

#include <adze/error.h>
#include <adze/host_table.h>

ADZE_BEGIN_DECLS

/* Words in an n-gram, characters in a piece, and bytes of a word, at most; a longer word is several. */
#define ADZE_NGRAMS_WORDS 4
#define ADZE_NGRAMS_PIECE 8
#define ADZE_NGRAMS_WORD_BYTES 120

typedef struct adze_ngrams_settings {
  uint32_t buckets; /* at least 1 */
  uint32_t words;   /* n-grams of 1 to so many words; 0: none */
  uint32_t least;   /* pieces of LEAST to MOST characters, the ends of a word counting as one each; MOST 0: none */
  uint32_t most;
} adze_ngrams_settings;

typedef struct adze_ngram {
  uint32_t bucket;
  uint32_t count;
} adze_ngram;

/* Begins as zeros, { 0 }, and ends with adze_ngrams_close. One thread at a time. */
typedef struct adze_ngrams {
  adze_ngrams_settings settings;
  adze_ngram *items; /* of the last text, in the order in which they were met first */
  size_t count;
  size_t room;
  uint32_t *places; /* for each bucket, where it stands among the items, and 1; 0: it does not */
  uint64_t last[ADZE_NGRAMS_WORDS]; /* hashes of the last words */
  uint32_t behind;                  /* how many there are */
} adze_ngrams;

static inline adze_status
adze_ngrams_open (const adze_host *host, const adze_ngrams_settings *settings, adze_ngrams *ngrams)
{
  memset (ngrams, 0, sizeof *ngrams);
  if (settings->buckets < 1 || settings->words > ADZE_NGRAMS_WORDS || settings->most > ADZE_NGRAMS_PIECE
      || (settings->most > 0 && (settings->least < 1 || settings->least > settings->most))
      || settings->words + settings->most == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "n-grams of up to %u words and of %u to %u characters in %u buckets cannot be; at most %d words "
                      "and %d characters are possible",
                      settings->words, settings->least, settings->most, settings->buckets, ADZE_NGRAMS_WORDS,
                      ADZE_NGRAMS_PIECE);
  ngrams->settings = *settings;
  ngrams->places = (uint32_t *)host->allocate (host, settings->buckets * sizeof *ngrams->places);
  return ngrams->places ? ADZE_OK
                        : adze_fail (host, ADZE_E_MEMORY, "no room for %u buckets of n-grams", settings->buckets);
}

static inline void
adze_ngrams_close (const adze_host *host, adze_ngrams *ngrams)
{
  host->release (host, ngrams->places);
  host->release (host, ngrams->items);
  memset (ngrams, 0, sizeof *ngrams);
}

/* ---- Hashes. */

/* One step, of 64 bits. */
static inline uint64_t
adze_ngrams_mix (uint64_t hash, uint64_t next)
{
  hash = (hash ^ next) * UINT64_C (0x9ddfea08eb382d69);
  return hash ^ hash >> 32;
}

static inline adze_status
adze_ngrams_grow (const adze_host *host, adze_ngrams *ngrams)
{
  const size_t room = ngrams->room ? ngrams->room * 2 : 256;
  adze_ngram *grown = (adze_ngram *)host->allocate (host, room * sizeof *grown);
  if (!grown)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu n-grams", room);
  if (ngrams->count > 0)
    memcpy (grown, ngrams->items, ngrams->count * sizeof *grown);
  host->release (host, ngrams->items);
  ngrams->items = grown;
  ngrams->room = room;
  return ADZE_OK;
}

static inline adze_status
adze_ngrams_add (const adze_host *host, adze_ngrams *ngrams, uint64_t hash)
{
  hash *= UINT64_C (0xd6e8feb86659fd93);
  const uint32_t bucket = (uint32_t)(((hash >> 32) * ngrams->settings.buckets) >> 32);
  uint32_t *place = &ngrams->places[bucket];
  if (*place) {
    ngrams->items[*place - 1].count++;
    return ADZE_OK;
  }
  if (ngrams->count == ngrams->room) {
    const adze_status status = adze_ngrams_grow (host, ngrams);
    if (status != ADZE_OK)
      return status;
  }
  ngrams->items[ngrams->count].bucket = bucket;
  ngrams->items[ngrams->count].count = 1;
  *place = (uint32_t)++ngrams->count;
  return ADZE_OK;
}

/* ---- Words. */

static inline bool
adze_ngrams_in_word (unsigned char byte)
{
  return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')
         || byte == '\'';
}

/* Pieces of WORD, which has SIZE bytes, the marks of its ends among them. */
static inline adze_status
adze_ngrams_add_pieces (const adze_host *host, adze_ngrams *ngrams, const unsigned char *word, size_t size)
{
  for (size_t first = 0; first < size; first++) {
    uint64_t hash = 3;
    uint32_t characters = 0;
    if ((word[first] & 0xc0) == 0x80)
      continue; /* inside of a character */
    for (size_t at = first; at < size;) {
      do
        hash = adze_ngrams_mix (hash, word[at++]);
      while (at < size && (word[at] & 0xc0) == 0x80);
      if (++characters > ngrams->settings.most)
        break;
      if (characters < ngrams->settings.least)
        continue;
      const adze_status status = adze_ngrams_add (host, ngrams, hash);
      if (status != ADZE_OK)
        return status;
    }
  }
  return ADZE_OK;
}

/* WORD has marks of its ends around it. */
static inline adze_status
adze_ngrams_add_word (const adze_host *host, adze_ngrams *ngrams, const unsigned char *word, size_t size)
{
  const adze_ngrams_settings *settings = &ngrams->settings;
  uint64_t hash = 1;
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < size; i++)
    hash = adze_ngrams_mix (hash, word[i]);
  memmove (ngrams->last + 1, ngrams->last, sizeof ngrams->last - sizeof ngrams->last[0]);
  ngrams->last[0] = hash;
  ngrams->behind += ngrams->behind < ADZE_NGRAMS_WORDS;
  hash = 2;
  for (uint32_t i = 0; status == ADZE_OK && i < ngrams->behind && i < settings->words; i++) {
    hash = adze_ngrams_mix (hash, ngrams->last[i]);
    status = adze_ngrams_add (host, ngrams, hash);
  }
  if (status == ADZE_OK && settings->most > 0 && adze_ngrams_in_word (word[1]))
    status = adze_ngrams_add_pieces (host, ngrams, word, size);
  return status;
}

/* The n-grams of TEXT: items and count. An empty text has none. */
static inline adze_status
adze_ngrams_read (const adze_host *host, adze_ngrams *ngrams, const char *text, size_t size)
{
  unsigned char word[ADZE_NGRAMS_WORD_BYTES + 2];
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < ngrams->count; i++)
    ngrams->places[ngrams->items[i].bucket] = 0;
  ngrams->count = 0;
  ngrams->behind = 0;
  for (size_t at = 0; status == ADZE_OK && at < size;) {
    unsigned char byte = (unsigned char)text[at];
    size_t length = 0;
    if (byte <= ' ') {
      at++;
      continue;
    }
    word[length++] = '<';
    do {
      byte = (unsigned char)text[at++];
      word[length++] = byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
    } while (at < size && length <= ADZE_NGRAMS_WORD_BYTES && adze_ngrams_in_word (byte)
             && adze_ngrams_in_word ((unsigned char)text[at]));
    word[length++] = '>';
    status = adze_ngrams_add_word (host, ngrams, word, length);
  }
  return status;
}

ADZE_END_DECLS

#endif
