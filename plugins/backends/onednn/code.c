/* SPDX-License-Identifier: Apache-2.0 */
/* code.c: what oneDNN's library takes of memory once something is compiled. */
#define _GNU_SOURCE 1 /* for dl_iterate_phdr */
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include "onednn.h"

/* Code that the loader has written into belongs to this process alone, and must stay. */
static bool
is_as_in_its_file (const struct dl_phdr_info *object)
{
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW (Phdr) *part = &object->dlpi_phdr[i];
    const ElfW (Dyn) *entry = (const ElfW (Dyn) *)(object->dlpi_addr + part->p_vaddr);
    for (; part->p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++)
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
        return false;
  }
  return object->dlpi_name && object->dlpi_name[0]; /* a library, and not the program itself */
}

static int
leave_code (struct dl_phdr_info *object, size_t size, void *argument)
{
  uintptr_t page = (uintptr_t)sysconf (_SC_PAGESIZE), inside = *(const uintptr_t *)argument;
  (void)size;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW (Phdr) *part = &object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + part->p_vaddr, end = begin + part->p_memsz;
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || (part->p_flags & PF_W)
        || inside < begin || inside >= end)
      continue;
    begin = begin / page * page;
    if (is_as_in_its_file (object))
      (void)madvise ((void *)begin, end - begin, MADV_DONTNEED);
    return 1;
  }
  return 0;
}

void
onednn_leave_code (void)
{
  uintptr_t inside = (uintptr_t)dnnl_primitive_create;
  dl_iterate_phdr (leave_code, &inside);
}
