/* SPDX-License-Identifier: Apache-2.0 */
/* iq4_kernels.h: iq4_nl and iq4_xs, once for each width of vectors. A lane has a part of 32 numbers, for which
 * sixteen scales are tried. */

typedef struct NAMED (parts) {
  reals x[32], weight[32];
} NAMED (parts);

/* TRIES at a time, so that their sums need not wait for each other. */
INLINED void
NAMED (try_inverses) (const NAMED (parts) *p, const reals *inverses, reals *product, reals *squares)
{
  UNROLLED
  for (int k = 0; k < TRIES; k++)
    product[k] = squares[k] = r_all (0);
  for (int i = 0; i < 32; i++) {
    UNROLLED
    for (int k = 0; k < TRIES; k++) {
      reals value = NAMED (nearest_value) (r_mul (inverses[k], p->x[i]));
      reals weighted = r_mul (p->weight[i], value);
      product[k] = r_add (product[k], r_mul (weighted, p->x[i]));
      squares[k] = r_add (squares[k], r_mul (weighted, value));
    }
  }
}

/* The scale that fits best: the first inverse takes the number that is farthest from 0 to the greatest value's
 * opposite, the others take it to the least value and a little less and more. */
static reals
NAMED (search_scale) (const NAMED (parts) *p)
{
  enum { ALL = 16 };
  reals inverses[ALL], product[ALL], squares[ALL];
  mask none;
  reals farthest = NAMED (farthest_or_one) (p->x, 32, &none);
  inverses[0] = r_div (r_all (1), r_div (r_neg (farthest), r_all (-127)));
  for (int i = 1; i < ALL; i++)
    inverses[i] = r_div (r_all ((float)(i - 8 - 127)), farthest);
  for (int i = 0; i < ALL; i += TRIES)
    NAMED (try_inverses) (p, inverses + i, product + i, squares + i);
  reals zero = r_all (0);
  reals scale = r_pick (r_below (zero, squares[0]), r_div (product[0], squares[0]), zero);
  reals best = r_mul (scale, product[0]);
  for (int i = 1; i < ALL; i++) {
    mask better = m_and (r_below (zero, squares[i]),
                         r_below (r_mul (best, squares[i]), r_mul (product[i], product[i])));
    scale = r_pick (better, r_div (product[i], squares[i]), scale);
    best = r_pick (better, r_mul (scale, product[i]), best);
  }
  return r_pick (none, zero, scale);
}

/* Codes for what the inverse makes of the numbers, which may be anything; of NaN the last one. */
INLINED ints
NAMED (any_place) (reals x)
{
  reals limit = r_all (IQ4_FARTHEST);
  return NAMED (nearest_place) (r_more (r_less (x, limit), r_neg (limit)));
}

INLINED void
NAMED (put_codes) (const float *x, float inverse, uint8_t *to)
{
  span s = s_times (s_in (x), inverse);
#if LANES == 1
  codes c;
  for (int i = 0; i < 32; i++)
    c.x[i] = NAMED (any_place) (s.x[i]);
#elif LANES == 8
  codes c = { NAMED (any_place) (s.a), NAMED (any_place) (s.b), NAMED (any_place) (s.c), NAMED (any_place) (s.d) };
#else
  codes c = { NAMED (any_place) (s.low), NAMED (any_place) (s.high) };
#endif
  c_nibbles (c, to);
}

/* Part PART of blocks FIRST and so on; the last block stands for those that there are not. */
INLINED void
NAMED (read_parts) (const iq4_work *w, uint64_t first, unsigned part, NAMED (parts) *p)
{
  const float *from[LANES], *weights[LANES];
  for (unsigned l = 0; l < LANES; l++) {
    uint64_t at = (first + l < w->count ? first + l : w->count - 1) * w->parts + part;
    from[l] = w->values + 32 * at;
    weights[l] = w->importance ? w->importance + 32 * (at % w->in_row) : from[l];
  }
  NAMED (lanes_in) (from, 32, p->x);
  NAMED (lanes_in) (weights, 32, p->weight);
}

/* Without an importance, numbers count by their squares. SPREAD: twice the mean of squares. */
INLINED void
NAMED (weigh_parts) (NAMED (parts) *p, bool importance, reals spread)
{
  for (int i = 0; i < 32; i++) {
    reals square = r_mul (p->x[i], p->x[i]);
    p->weight[i] = importance ? r_mul (p->weight[i], r_sqrt (r_add (spread, square))) : square;
  }
}

static void
NAMED (iq4_nl) (const iq4_work *w, uint8_t *to)
{
  NAMED (parts) p;
  for (uint64_t first = 0; first < w->count; first += LANES) {
    NAMED (read_parts) (w, first, 0, &p);
    reals sum = r_all (0);
    for (int i = 0; i < 32; i++)
      sum = r_add (sum, r_mul (p.x[i], p.x[i]));
    NAMED (weigh_parts) (&p, w->importance != NULL, r_mul (sum, r_all (2.0f / 32)));
    reals scale = NAMED (search_scale) (&p), zero = r_all (0);
    reals inverse = r_pick (r_equal (scale, zero), zero, r_div (r_all (1), scale));
    float scales[LANES], inverses[LANES];
    memcpy (scales, &scale, sizeof scales);
    memcpy (inverses, &inverse, sizeof inverses);
    for (unsigned l = 0; l < LANES && first + l < w->count; l++, to += 18) {
      gguf_put_scale (to, scales[l]);
      NAMED (put_codes) (w->values + 32 * (first + l), inverses[l], to + 2);
    }
  }
}

/* ---- Eight parts to a block, whose scales are whole numbers times the block's. */

/* Twice the mean of squares of blocks, added up in their order. */
static reals
NAMED (spreads) (const iq4_work *w, uint64_t first)
{
  const float *from[LANES];
  reals x[256], sum = r_all (0);
  for (unsigned l = 0; l < LANES; l++)
    from[l] = w->values + 256 * (first + l < w->count ? first + l : w->count - 1);
  NAMED (lanes_in) (from, 256, x);
  for (int i = 0; i < 256; i++)
    sum = r_add (sum, r_mul (x[i], x[i]));
  return r_mul (sum, r_all (2.0f / 256));
}

typedef struct NAMED (heads) {
  int32_t words[2][LANES]; /* in front of the codes: the scale, the upper two bits of eight codes, the lower four */
  float inverses[8][LANES];
} NAMED (heads);

INLINED void
NAMED (make_heads) (const reals *scales, NAMED (heads) *h)
{
  reals zero = r_all (0), length, farthest = NAMED (farthest) (scales, 8, &length);
  reals scale = r_div (r_neg (farthest), r_all (32));
  reals inverse = r_pick (r_equal (scale, zero), zero, r_div (r_all (1), scale));
  ints first = NAMED (half) (scale), second = i_all (0);
  for (int part = 0; part < 8; part++) {
    ints code = NAMED (between) (NAMED (nearest) (r_mul (inverse, scales[part])), -32, 31);
    reals step = r_mul (scale, r_of (code));
    step = r_pick (r_equal (step, zero), zero, r_div (r_all (1), step));
    memcpy (h->inverses[part], &step, sizeof step);
    code = i_add (code, i_all (32));
    first = i_or (first, i_up (i_down (code, 4), 16 + 2 * part));
    second = i_or (second, i_up (i_and (code, i_all (15)), 4 * part));
  }
  memcpy (h->words[0], &first, sizeof first);
  memcpy (h->words[1], &second, sizeof second);
}

static void
NAMED (iq4_xs) (const iq4_work *w, uint8_t *to)
{
  NAMED (parts) p;
  NAMED (heads) h;
  for (uint64_t first = 0; first < w->count; first += LANES) {
    reals scales[8], spread = w->importance ? NAMED (spreads) (w, first) : r_all (0);
    for (unsigned part = 0; part < 8; part++) {
      NAMED (read_parts) (w, first, part, &p);
      NAMED (weigh_parts) (&p, w->importance != NULL, spread);
      scales[part] = NAMED (search_scale) (&p);
    }
    NAMED (make_heads) (scales, &h);
    for (unsigned l = 0; l < LANES && first + l < w->count; l++, to += 136) {
      gguf_put_word (to, (uint32_t)h.words[0][l]);
      gguf_put_word (to + 4, (uint32_t)h.words[1][l]);
      for (unsigned part = 0; part < 8; part++)
        NAMED (put_codes) (w->values + 256 * (first + l) + 32 * part, h.inverses[part][l], to + 8 + 16 * part);
    }
  }
}
