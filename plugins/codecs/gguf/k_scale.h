/* SPDX-License-Identifier: Apache-2.0 */
/* k_scale.h: the searches for a scale alone. x is about scale * code, where codes lie around 0 and
 * the greatest number has the lowest code, or where they lie above it. */

typedef struct NAMED (ratio) {
  const reals *x, *weight;
  reals farthest, scale, best, codes_inverse;
  mask none;
  /* Of each range that is tried. */
  reals inverse[TRIES], product[TRIES], squares[TRIES];
} NAMED (ratio);

/* The sums of codes in TRIES ranges, of which a number and its weight are read once. */
INLINED void
NAMED (sum_ratios) (NAMED (ratio) *r, int sides, int tries, int size, int low, int high, unsigned known)
{
  reals product[SIDES][TRIES], squares[SIDES][TRIES];
  UNROLLED
  for (int k = 0; k < SIDES; k++)
    UNROLLED
    for (int t = 0; t < TRIES; t++)
      product[k][t] = squares[k][t] = r_all (0);
  for (int i = 0; i < size; i++) {
    UNROLLED
    for (int k = 0; k < sides; k++) {
      reals x = r[k].x[i], weight = r[k].weight[i], weighted = r_mul (weight, x);
      UNROLLED
      for (int t = 0; t < tries; t++) {
        reals code = NAMED (code) (r_mul (r[k].inverse[t], x), low, high, known);
        product[k][t] = r_add (product[k][t], r_mul (weighted, code));
        squares[k][t] = r_add (squares[k][t], r_mul (r_mul (weight, code), code));
      }
    }
  }
  UNROLLED
  for (int k = 0; k < sides; k++)
    UNROLLED
    for (int t = 0; t < tries; t++) {
      r[k].product[t] = product[k][t];
      r[k].squares[t] = squares[k][t];
    }
}

INLINED void
NAMED (keep_ratio) (NAMED (ratio) *r, int t)
{
  reals product = r->product[t], squares = r->squares[t];
  mask better = m_and (r_below (r_all (0), squares), r_below (r_mul (r->best, squares), r_mul (product, product)));
  reals scale = r_div (product, squares);
  r->scale = r_pick (better, scale, r->scale);
  r->best = r_pick (better, r_mul (scale, product), r->best);
  r->codes_inverse = r_pick (better, r->inverse[t], r->codes_inverse);
}

/* Ranges from STEP tenths of a code more than MOST on. Up to four tenths no code is below what there
 * is, if none of the numbers is farther away than the farthest. */
INLINED void
NAMED (try_ratios) (NAMED (ratio) *r, int sides, int step, int size, int most, unsigned known)
{
  UNROLLED
  for (int k = 0; k < sides; k++)
    UNROLLED
    for (int t = 0; t < TRIES; t++)
      r[k].inverse[t] = r_div (r_all (-((float)most + 0.1f * (float)(step + t))), r[k].farthest);
  if (known && step + TRIES - 1 <= 4)
    NAMED (sum_ratios) (r, sides, TRIES, size, -most, most - 1, known | NOT_BELOW);
  else
    NAMED (sum_ratios) (r, sides, TRIES, size, -most, most - 1, known);
  UNROLLED
  for (int t = 0; t < TRIES; t++)
    UNROLLED
    for (int k = 0; k < sides; k++)
      NAMED (keep_ratio) (&r[k], t);
}

/* The scale for codes from -MOST to MOST - 1 of each of SIDES: up to nine tenths of a code around what the
 * farthest number asks for. KNOWN: NEAR, if numbers are finite. */
INLINED void
NAMED (search_ratio) (NAMED (ratio) *r, int sides, int size, int most, unsigned known)
{
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].farthest = NAMED (farthest_or_one) (r[k].x, size, &r[k].none);
    r[k].inverse[0] = r[k].codes_inverse = r_div (r_all (-(float)most), r[k].farthest);
  }
  NAMED (sum_ratios) (r, sides, 1, size, -most, most - 1, known);
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].scale = r_pick (r_equal (r[k].squares[0], r_all (0)), r_all (0), r_div (r[k].product[0], r[k].squares[0]));
    r[k].best = r_mul (r[k].scale, r[k].product[0]);
  }
  for (int step = -9; step <= 9; step += step == -TRIES ? TRIES + 1 : TRIES)
    NAMED (try_ratios) (r, sides, step, size, most, known);
  UNROLLED
  for (int k = 0; k < sides; k++)
    r[k].scale = r_pick (r[k].none, r_all (0), r[k].scale);
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
  NAMED (descend) (&d, 1, size, 0, most, false);
  mask any = m_and (m_not (none), r_below (r_all (0), d.squares));
  c->scale = r_pick (any, r_div (d.product, d.squares), r_all (0));
  for (int i = 0; i < size; i++)
    c->code[i] = r_pick (none, r_all (0), c->code[i]);
}
