/* SPDX-License-Identifier: Apache-2.0 */
/* run/tree.c: a reduction tree that is filled in any order. */
#include "run/tree.h"

#include <string.h>

/* ---- The stock. */

void
adze_stock_open (adze_stock *stock, size_t size)
{
  *stock = (adze_stock){ .size = size };
  pthread_mutex_init (&stock->lock, NULL);
}

void
adze_stock_close (adze_stock *stock)
{
  for (size_t i = 0; i < stock->count; i++)
    free (stock->spare[i]);
  free (stock->spare);
  pthread_mutex_destroy (&stock->lock);
}

void *
adze_stock_take (adze_stock *stock)
{
  void *accumulator = NULL;
  size_t whole = (stock->size + 63) / 64 * 64;
  pthread_mutex_lock (&stock->lock);
  if (stock->count > 0)
    accumulator = stock->spare[--stock->count];
  pthread_mutex_unlock (&stock->lock);
  if (!accumulator)
    accumulator = aligned_alloc (64, whole ? whole : 64);
  if (accumulator)
    memset (accumulator, 0, whole);
  return accumulator;
}

void
adze_stock_give (adze_stock *stock, void *accumulator)
{
  if (!accumulator)
    return;
  pthread_mutex_lock (&stock->lock);
  if (stock->count == stock->room) {
    size_t room = stock->room ? stock->room * 2 : 16;
    void **more = realloc (stock->spare, room * sizeof *more);
    if (more) {
      stock->spare = more;
      stock->room = room;
    }
  }
  bool kept = stock->count < stock->room;
  if (kept)
    stock->spare[stock->count++] = accumulator;
  pthread_mutex_unlock (&stock->lock);
  if (!kept)
    free (accumulator);
}

/* ---- The tree. */

static void *
take_waiting (adze_tree *tree, unsigned level, size_t index)
{
  for (size_t i = 0; i < tree->count; i++)
    if (tree->waiting[i].level == level && tree->waiting[i].index == index) {
      void *accumulator = tree->waiting[i].accumulator;
      tree->waiting[i] = tree->waiting[--tree->count];
      return accumulator;
    }
  return NULL;
}

static bool
add_waiting (adze_tree *tree, adze_tree_node node)
{
  if (tree->count == tree->room) {
    size_t room = tree->room ? tree->room * 2 : 16;
    adze_tree_node *more = realloc (tree->waiting, room * sizeof *more);
    if (!more)
      return false;
    tree->waiting = more;
    tree->room = room;
  }
  tree->waiting[tree->count++] = node;
  return true;
}

adze_error *
adze_tree_put (adze_tree *tree, pthread_mutex_t *lock, adze_stock *stock, size_t index,
               void *accumulator, adze_tree_merge merge, void *context, bool *done)
{
  size_t width = tree->leaves;
  *done = false;
  for (unsigned level = 0; width > 1; level++, index /= 2, width = (width + 1) / 2) {
    size_t other = index ^ 1;
    if (other >= width)
      continue; /* the last of an odd number moves up alone */
    pthread_mutex_lock (lock);
    void *sibling = take_waiting (tree, level, other);
    bool kept = sibling || add_waiting (tree, (adze_tree_node){ level, index, accumulator });
    pthread_mutex_unlock (lock);
    if (!sibling) {
      if (!kept)
        adze_stock_give (stock, accumulator);
      return kept ? NULL : adze_error_memory ();
    }
    void *left = index < other ? accumulator : sibling;
    void *right = index < other ? sibling : accumulator;
    adze_error *error = merge (context, left, right);
    adze_stock_give (stock, right);
    accumulator = left;
    if (error) {
      adze_stock_give (stock, accumulator);
      return error;
    }
  }
  tree->root = accumulator;
  *done = true;
  return NULL;
}

void
adze_tree_clear (adze_tree *tree, adze_stock *stock)
{
  for (size_t i = 0; i < tree->count; i++)
    adze_stock_give (stock, tree->waiting[i].accumulator);
  adze_stock_give (stock, tree->root);
  free (tree->waiting);
  *tree = (adze_tree){ .leaves = tree->leaves };
}
