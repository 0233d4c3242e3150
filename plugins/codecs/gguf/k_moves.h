/* SPDX-License-Identifier: Apache-2.0 */
/* k_moves.h: codes that are moved one after the other, each to what is best beside the others as they
 * are, up to five times around. That is a long chain of operations, so it is begun only where a first look
 * sees that a code may move, which is so in one part of five; such parts are gathered from all over the
 * chunk, and after two rounds once more those of which a code has moved in the second, one in three: else
 * all would wait for the slowest. */

typedef struct NAMED (descent) {
  const reals *x, *weight;
  reals *code;
  reals product, squares;
} NAMED (descent);

/* Number I takes the code that is best for it if that makes the whole better; returned is where. SIGNED: codes
 * lie around 0, and the sum of squares may be 0 without it; otherwise a code is kept in eight bits. */
INLINED mask
NAMED (better_code) (NAMED (descent) *d, int i, int low, int high, bool is_signed)
{
  reals x = d->x[i], weight = d->weight[i], code = d->code[i];
  reals weighted = r_mul (weight, x);
  reals product = r_sub (d->product, r_mul (weighted, code));
  reals squares = r_sub (d->squares, r_mul (r_mul (weight, code), code));
  mask able = r_below (r_all (0), product);
  if (!is_signed)
    able = m_and (able, r_below (r_all (0), squares));
  ints best = i_less (NAMED (nearest) (r_div (r_mul (x, squares), product)), i_all (high));
  if (is_signed)
    best = i_more (best, i_all (low));
  reals other = r_of (best);
  product = r_add (product, r_mul (weighted, other));
  squares = r_add (squares, r_mul (r_mul (weight, other), other));
  mask better = m_and (able, m_not (r_equal (other, code)));
  better = m_and (better, r_below (r_mul (r_mul (d->product, d->product), squares),
                                   r_mul (r_mul (product, product), d->squares)));
  if (is_signed)
    better = m_and (better, r_below (r_all (0), squares));
  else
    other = r_of (i_and (best, i_all (255)));
  d->code[i] = r_pick (better, other, code);
  d->product = r_pick (better, product, d->product);
  d->squares = r_pick (better, squares, d->squares);
  return better;
}

/* ROUNDS times around, or until nothing has changed since a code was looked at before. STILL: where one has moved in
 * the last round. */
INLINED void
NAMED (descend) (NAMED (descent) *d, int sides, int size, int low, int high, bool is_signed, int rounds,
                 mask *still)
{
  int same = 0;
  for (int round = 0; round < rounds && same < size; round++) {
    UNROLLED
    for (int k = 0; k < sides; k++)
      still[k] = m_never ();
    for (int i = 0; i < size && same < size; i++) {
      mask changed = m_never ();
      UNROLLED
      for (int k = 0; k < sides; k++) {
        mask better = NAMED (better_code) (&d[k], i, low, high, is_signed);
        still[k] = m_or (still[k], better);
        changed = m_or (changed, better);
      }
      same = m_any (changed) ? 0 : same + 1;
    }
  }
}

/* ---- Parts of 16 numbers with codes from -4 to 3. */

/* Parts of which codes may have moved: where each is, and its codes; and which of them are to be moved now. */
typedef struct NAMED (moved) {
  reals product[16], squares[16];
  int count, listed;
  uint8_t part[16 * LANES], lane[16 * LANES], list[16 * LANES];
  int32_t codes[16 * LANES][16];
} NAMED (moved);

/* Codes begin with what the farthest number asks for. Returned is where one may move: not where the best
 * one, x * squares / product, is clearly within half a code of what there is. Roundings are less than a
 * millionth of a code; of what is so small that they are more, nothing is said. Where the farthest number is
 * above 0, all products are below it, and so are their sums without any of them: no code moves. */
INLINED mask
NAMED (begin_part) (NAMED (chunk) *c, NAMED (moved) *m, int part)
{
  const reals *x = c->x + 16 * part;
  reals code[16], products[16], squares[16], product = r_all (0), square = r_all (0);
  reals inverse = r_div (r_all (-4), NAMED (farthest_or_one) (x, 16, &c->none[part]));
  mask stays = m_not (m_never ());
  for (int i = 0; i < 16; i++) {
    reals weight = r_mul (x[i], x[i]);
    code[i] = NAMED (code) (r_mul (inverse, x[i]), -4, 3, NEAR | NOT_BELOW);
    products[i] = r_mul (r_mul (weight, x[i]), code[i]);
    squares[i] = r_mul (r_mul (weight, code[i]), code[i]);
    product = r_add (product, products[i]);
    square = r_add (square, squares[i]);
  }
  for (int i = 0; i < 16; i++) {
    reals others = r_sub (product, products[i]), best = r_mul (x[i], r_sub (square, squares[i]));
    best = r_more (r_mul (r_all (-4), others), r_less (r_mul (r_all (3), others), best));
    reals off = r_abs (r_sub (best, r_mul (code[i], others)));
    stays = m_and (stays, r_below (off, r_mul (r_all (0.4999f), others)));
  }
  c->inverse[part] = inverse;
  m->product[part] = product;
  m->squares[part] = square;
  stays = m_and (stays, r_below (r_all (1e-22f), product));
  return m_and (m_and (r_below (r_all (0), inverse), m_not (stays)), m_not (c->none[part]));
}

/* LANES parts of the list from FIRST on; the last one again where there are no more. AGAIN: as they were left, and
 * not as the search begins. */
INLINED void
NAMED (take_parts) (NAMED (chunk) *c, const NAMED (moved) *m, int first, bool again, NAMED (descent) *d, reals *x,
                    reals *weight, reals *code)
{
  const float *from[LANES], *codes[LANES];
  reals inverse;
  for (int l = 0; l < LANES; l++) {
    int e = m->list[first + l < m->listed ? first + l : m->listed - 1];
    int part = m->part[e], lane = m->lane[e];
    from[l] = c->from[lane] + 16 * part;
    codes[l] = (const float *)(const void *)m->codes[e];
    ((float *)&inverse)[l] = ((float *)&c->inverse[part])[lane];
    ((float *)&d->product)[l] = ((const float *)&m->product[part])[lane];
    ((float *)&d->squares)[l] = ((const float *)&m->squares[part])[lane];
  }
  NAMED (lanes_in) (from, 16, x);
  if (again)
    NAMED (lanes_in) (codes, 16, code);
  for (int i = 0; i < 16; i++) {
    code[i] = again ? r_of (r_bits (code[i])) : NAMED (code) (r_mul (inverse, x[i]), -4, 3, NEAR);
    weight[i] = r_mul (x[i], x[i]);
  }
  *d = (NAMED (descent)){ .x = x, .weight = weight, .code = code, .product = d->product, .squares = d->squares };
}

/* The same parts, and behind the KEPT first places of the list those that are STILL moving. */
INLINED int
NAMED (put_parts) (NAMED (moved) *m, int first, const NAMED (descent) *d, mask still, int kept)
{
  ints words[16];
  int here = m->listed - first < LANES ? m->listed - first : LANES;
  for (int i = 0; i < 16; i++)
    words[i] = NAMED (nearest) (d->code[i]);
  int32_t codes[LANES][16];
  if (here > 0)
    NAMED (lanes_out) (words, 64, here, (uint8_t *)codes);
  for (int l = 0; l < here; l++) {
    int e = m->list[first + l], part = m->part[e], lane = m->lane[e];
    ((float *)&m->product[part])[lane] = ((const float *)&d->product)[l];
    ((float *)&m->squares[part])[lane] = ((const float *)&d->squares)[l];
    memcpy (m->codes[e], codes[l], sizeof codes[l]);
    if (m_bits (still) >> l & 1)
      m->list[kept++] = (uint8_t)e;
  }
  return kept;
}

/* SIDES times LANES parts of the list from FIRST on. */
INLINED int
NAMED (move_parts) (NAMED (chunk) *c, NAMED (moved) *m, int first, int sides, bool again, int kept)
{
  NAMED (descent) d[SIDES];
  reals x[SIDES][16], weight[SIDES][16], code[SIDES][16];
  mask still[SIDES];
  for (int k = 0; k < sides; k++)
    NAMED (take_parts) (c, m, first + k * LANES, again, &d[k], x[k], weight[k], code[k]);
  NAMED (descend) (d, sides, 16, -4, 3, true, again ? 3 : 2, still);
  for (int k = 0; k < sides; k++)
    kept = NAMED (put_parts) (m, first + k * LANES, &d[k], still[k], kept);
  return kept;
}

INLINED void
NAMED (move_listed) (NAMED (chunk) *c, NAMED (moved) *m, bool again)
{
  int first = 0, kept = 0;
  for (; m->listed - first > LANES; first += SIDES * LANES)
    kept = NAMED (move_parts) (c, m, first, SIDES, again, kept);
  if (first < m->listed)
    kept = NAMED (move_parts) (c, m, first, 1, again, kept);
  m->listed = kept;
}

/* The scale of each part, with codes that are moved. */
INLINED void
NAMED (search_by_moves) (NAMED (chunk) *c, NAMED (moved) *m)
{
  m->count = 0;
  for (int part = 0; part < 16; part++)
    for (unsigned may = m_bits (NAMED (begin_part) (c, m, part)); may != 0; may &= may - 1) {
      m->part[m->count] = (uint8_t)part;
      m->list[m->count] = (uint8_t)m->count;
      m->lane[m->count++] = (uint8_t)__builtin_ctz (may);
    }
  m->listed = m->count;
  NAMED (move_listed) (c, m, false);
  NAMED (move_listed) (c, m, true);
  for (int part = 0; part < 16; part++) {
    mask any = m_and (m_not (c->none[part]), r_below (r_all (0), m->squares[part]));
    c->scale[part] = r_pick (any, r_div (m->product[part], m->squares[part]), r_all (0));
  }
}

/* The codes of PART that were moved, among those that were not. */
INLINED void
NAMED (put_moved) (const NAMED (moved) *m, int part, reals *codes)
{
  for (int e = 0; e < m->count; e++)
    for (int i = 0; i < 16 && m->part[e] == part; i++)
      ((float *)&codes[i])[m->lane[e]] = (float)m->codes[e][i];
}

/* ---- Scales and offsets of the parts, which are codes themselves. */

typedef struct NAMED (coded) {
  /* Of each part: what is to be coded, how much it counts, its code. */
  const reals *x, *weight;
  reals code[16];
  reals scale;
} NAMED (coded);

INLINED reals
NAMED (wrong_of_scales) (const NAMED (coded) *c, int size, reals inverse, int most, bool in_bytes)
{
  reals scale = r_div (r_all (1), inverse), error = r_all (0);
  for (int i = 0; i < size; i++) {
    ints code = NAMED (nearest) (r_mul (inverse, c->x[i]));
    code = in_bytes ? i_and (code, i_all (255)) : i_less (code, i_all (most));
    reals off = r_sub (c->x[i], r_mul (scale, r_of (code)));
    error = r_add (error, r_mul (r_mul (c->weight[i], off), off));
  }
  return error;
}

/* Codes from 0 to MOST, by weights. What is below 0 wraps around in a byte, as in the reference. */
INLINED void
NAMED (code_scales) (NAMED (coded) *c, int size, int most)
{
  reals greatest = r_all (0);
  for (int i = 0; i < size; i++)
    greatest = r_more (greatest, c->x[i]);
  mask none = r_below (greatest, r_all (1e-15f));
  reals inverse = r_div (r_all ((float)most), greatest);
  reals error = NAMED (wrong_of_scales) (c, size, inverse, most, true);
  for (int step = -4; step <= 4; step++) {
    if (step == 0)
      continue;
    reals other = r_div (r_all (0.1f * (float)step + (float)most), greatest);
    reals wrong = NAMED (wrong_of_scales) (c, size, other, most, false);
    mask better = r_below (wrong, error);
    error = r_pick (better, wrong, error);
    inverse = r_pick (better, other, inverse);
  }
  NAMED (descent) d = { .x = c->x, .weight = c->weight, .code = c->code, .product = r_all (0), .squares = r_all (0) };
  for (int i = 0; i < size; i++) {
    ints whole = i_less (NAMED (nearest) (r_mul (inverse, c->x[i])), i_all (most));
    reals code = r_of (whole);
    d.product = r_add (d.product, r_mul (r_mul (c->weight[i], c->x[i]), code));
    d.squares = r_add (d.squares, r_mul (r_mul (c->weight[i], code), code));
    c->code[i] = r_of (i_and (whole, i_all (255)));
  }
  mask still;
  NAMED (descend) (&d, 1, size, 0, most, false, 5, &still);
  mask any = m_and (m_not (none), r_below (r_all (0), d.squares));
  c->scale = r_pick (any, r_div (d.product, d.squares), r_all (0));
  for (int i = 0; i < size; i++)
    c->code[i] = r_pick (none, r_all (0), c->code[i]);
}
