/* SPDX-License-Identifier: Apache-2.0 */
/* k_scale.h: the searches for a scale alone. x is about scale * code, where codes lie around 0 and
 * the greatest number has the lowest code, or where they lie above it. */

/* The number that is farthest from 0, and how far it is. */
INLINED reals
NAMED (farthest) (const reals *x, int size, reals *length)
{
  reals farthest = r_all (0);
  *length = r_all (0);
  for (int i = 0; i < size; i++) {
    reals here = r_abs (x[i]);
    mask more = r_below (*length, here);
    *length = r_pick (more, here, *length);
    farthest = r_pick (more, x[i], farthest);
  }
  return farthest;
}

/* The same; where all numbers are as good as nothing, 1, for a range that is harmless. */
INLINED reals
NAMED (farthest_or_one) (const reals *x, int size, mask *none)
{
  reals length, farthest = NAMED (farthest) (x, size, &length);
  *none = r_below (length, r_all (1e-15f));
  return r_pick (*none, r_all (1), farthest);
}

typedef struct NAMED (ratio) {
  const reals *x, *weight;
  reals farthest, inverse, scale, best, codes_inverse;
  reals product, squares;
  mask none;
} NAMED (ratio);

INLINED void
NAMED (sum_ratio) (NAMED (ratio) *r, int sides, int size, int low, int high, bool near)
{
  reals product[SIDES], squares[SIDES];
  UNROLLED
  for (int k = 0; k < SIDES; k++)
    product[k] = squares[k] = r_all (0);
  for (int i = 0; i < size; i++) {
    UNROLLED
    for (int k = 0; k < sides; k++) {
      reals x = r[k].x[i], weight = r[k].weight[i];
      reals code = NAMED (code) (r_mul (r[k].inverse, x), low, high, near);
      product[k] = r_add (product[k], r_mul (r_mul (weight, x), code));
      squares[k] = r_add (squares[k], r_mul (r_mul (weight, code), code));
    }
  }
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].product = product[k];
    r[k].squares = squares[k];
  }
}

INLINED void
NAMED (keep_ratio) (NAMED (ratio) *r)
{
  mask better = m_and (r_below (r_all (0), r->squares),
                       r_below (r_mul (r->best, r->squares), r_mul (r->product, r->product)));
  if (!m_any (better))
    return;
  r->scale = r_pick (better, r_div (r->product, r->squares), r->scale);
  r->best = r_pick (better, r_mul (r->scale, r->product), r->best);
  r->codes_inverse = r_pick (better, r->inverse, r->codes_inverse);
}

/* The scale for codes from -MOST to MOST - 1 of each of SIDES: steps of a tenth of a code around what the
 * greatest number asks for. NEAR: numbers are finite and none is greater than that. */
INLINED void
NAMED (search_ratio) (NAMED (ratio) *r, int sides, int size, int most, bool near)
{
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].farthest = NAMED (farthest_or_one) (r[k].x, size, &r[k].none);
    r[k].inverse = r[k].codes_inverse = r_div (r_all (-(float)most), r[k].farthest);
  }
  NAMED (sum_ratio) (r, sides, size, -most, most - 1, near);
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].scale = r_pick (r_equal (r[k].squares, r_all (0)), r_all (0), r_div (r[k].product, r[k].squares));
    r[k].best = r_mul (r[k].scale, r[k].product);
  }
  for (int step = -9; step <= 9; step++) {
    if (step == 0)
      continue;
    UNROLLED
    for (int k = 0; k < sides; k++)
      r[k].inverse = r_div (r_all (-((float)most + 0.1f * (float)step)), r[k].farthest);
    NAMED (sum_ratio) (r, sides, size, -most, most - 1, near);
    UNROLLED
    for (int k = 0; k < sides; k++)
      NAMED (keep_ratio) (&r[k]);
  }
  UNROLLED
  for (int k = 0; k < sides; k++)
    r[k].scale = r_pick (r[k].none, r_all (0), r[k].scale);
}

/* ---- One code after the other, each to what is best beside the others as they are. */

typedef struct NAMED (descent) {
  const reals *x, *weight;
  reals *code;
  reals product, squares;
  mask changed;
} NAMED (descent);

/* Of number I: what its best code is, and whether it makes the whole better. SIGNED: codes lie around
 * 0, and the sum of squares may be 0 without it; otherwise a code is kept in eight bits. */
INLINED void
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
  d->changed = m_or (d->changed, better);
}

/* Five times, or until nothing changes any more. */
INLINED void
NAMED (descend) (NAMED (descent) *d, int sides, int size, int low, int high, bool is_signed)
{
  for (int again = 0; again < 5; again++) {
    bool changed = false;
    UNROLLED
    for (int k = 0; k < sides; k++)
      d[k].changed = m_never ();
    for (int i = 0; i < size; i++) {
      UNROLLED
      for (int k = 0; k < sides; k++)
        NAMED (better_code) (&d[k], i, low, high, is_signed);
    }
    UNROLLED
    for (int k = 0; k < sides; k++)
      changed = changed || m_any (d[k].changed);
    if (!changed)
      return;
  }
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
