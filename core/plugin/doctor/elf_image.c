/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/elf_image.c: an ELF file's bytes, and the headers that say where what lies. */
#include "plugin/doctor/elf_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "plugin/doctor/elf.h"

/* No table that is read here is larger in a library that works; a file that says so would only have
 * us fill memory. */
#define TABLE_MAX (UINT64_C (256) << 20)

/* The header of the file that this code came in: the linker defines the name. It says what this
 * program is, without a list of machines to keep. */
extern const ElfW (Ehdr) __ehdr_start __attribute__ ((visibility ("hidden")));

static const struct {
  uint16_t machine;
  const char *name;
} machine_names[] = {
  { EM_386, "x86" },
  { EM_X86_64, "x86-64" },
  { EM_ARM, "ARM" },
  { EM_AARCH64, "AArch64" },
  { EM_RISCV, "RISC-V" },
  { EM_PPC, "PowerPC" },
  { EM_PPC64, "PowerPC64" },
  { EM_S390, "S/390" },
  { EM_MIPS, "MIPS" },
  { EM_SPARC, "SPARC" },
  { EM_SPARCV9, "SPARC64" },
  { EM_IA_64, "Itanium" },
  { EM_68K, "m68k" },
  { EM_SH, "SuperH" },
  { EM_ALPHA, "Alpha" },
  { EM_PARISC, "PA-RISC" },
  { 258, "LoongArch" },
};

const char *
adze_elf_machine_name (uint16_t machine, char text[ADZE_ELF_MACHINE_TEXT])
{
  for (size_t i = 0; i < ADZE_COUNT_OF (machine_names); i++)
    if (machine_names[i].machine == machine)
      return machine_names[i].name;
  snprintf (text, ADZE_ELF_MACHINE_TEXT, "machine %u", machine);
  return text;
}

static const char *
kind_text (const unsigned char *ident, uint16_t machine, char text[ADZE_ELF_KIND_TEXT])
{
  char name[ADZE_ELF_MACHINE_TEXT];
  snprintf (text, ADZE_ELF_KIND_TEXT, "%s, %s bits, %s-endian",
            adze_elf_machine_name (machine, name), ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
            ident[EI_DATA] == ELFDATA2LSB ? "little" : "big");
  return text;
}

const char *
adze_elf_own_kind (char text[ADZE_ELF_KIND_TEXT])
{
  return kind_text (__ehdr_start.e_ident, __ehdr_start.e_machine, text);
}

/* ---- Bytes. */

adze_error *
adze_elf_image_open (const char *path, adze_elf_image *image)
{
  struct stat status;
  image->path = path;
  adze_error *error = adze_file_open (path, &image->fd, &status);
  if (error) {
    if (adze_error_status (error) == ADZE_E_MEMORY)
      return error;
    bool missing = adze_error_status (error) == ADZE_E_NOT_FOUND;
    ADZE_AUTO_FREE char *found = strdup (adze_error_message (error));
    adze_error_free (error);
    return adze_refusal_facts (
        adze_refusal (missing ? ADZE_E_NOT_FOUND : ADZE_E_IO, ADZE_STEP_FIND, path,
                      missing ? "there is no such file" : "it cannot be read"),
        "a shared object that can be read", found,
        missing ? "check the name and the folder" : "check what the path stands for, and its mode");
  }
  image->size = (uint64_t)status.st_size;
  return NULL;
}

void
adze_elf_image_memory (const char *path, const char *data, size_t size, adze_elf_image *image)
{
  image->path = path;
  image->data = data;
  image->size = size;
}

void
adze_elf_image_cleanup (adze_elf_image *image)
{
  if (image->fd >= 0)
    close (image->fd);
  free (image->segments);
}

adze_error *
adze_elf_image_contradiction (const adze_elf_image *image, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *found = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!found)
    return adze_error_memory ();
  return adze_refusal_facts (
      adze_refusal (ADZE_E_FORMAT, ADZE_STEP_ELF, image->path, "the file is damaged: %s", found),
      "a shared object that agrees with itself", found,
      "copy it again from where it was built, or build it again");
}

static adze_error *
cut_short (const adze_elf_image *image, const char *what, uint64_t end)
{
  char needed[64], found[64];
  snprintf (needed, sizeof needed, "at least %" PRIu64 " bytes", end);
  snprintf (found, sizeof found, "%" PRIu64 " bytes", image->size);
  return adze_refusal_facts (
      adze_refusal (ADZE_E_FORMAT, ADZE_STEP_ELF, image->path,
                    "the file is cut short: %s ends behind the end of the file", what),
      needed, found, "copy it again from where it was built, and check that the disk is not full");
}

static adze_error *
read_file (const adze_elf_image *image, uint64_t offset, void *into, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t got = pread (image->fd, (char *)into + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      ADZE_AUTO_ERROR cause = adze_error_errno ("read failed");
      return adze_refusal_facts (adze_refusal (ADZE_E_IO, ADZE_STEP_FIND, image->path, "%s",
                                               adze_error_message (cause)),
                                 "a file that can be read", NULL, "check the disk that it is on");
    }
    if (got == 0) /* somebody is writing to it */
      return adze_elf_image_contradiction (image, "it became shorter while it was read");
    done += (size_t)got;
  }
  return NULL;
}

adze_error *
adze_elf_image_read (const adze_elf_image *image, const char *what, uint64_t offset, void *into,
                     size_t size)
{
  if (offset > UINT64_MAX - size)
    return adze_elf_image_contradiction (image, "%s lies at offset %#" PRIx64, what, offset);
  if (offset + size > image->size)
    return cut_short (image, what, offset + size);
  if (image->fd >= 0)
    return read_file (image, offset, into, size);
  if (size > 0)
    memcpy (into, image->data + offset, size);
  return NULL;
}

adze_error *
adze_elf_image_at (const adze_elf_image *image, const char *what, uint64_t address, void *into,
                   size_t size)
{
  for (size_t i = 0; i < image->segment_count; i++) {
    const ElfW (Phdr) *segment = &image->segments[i];
    if (segment->p_type != PT_LOAD || address < segment->p_vaddr)
      continue;
    uint64_t inside = address - segment->p_vaddr;
    if (inside <= segment->p_filesz && size <= segment->p_filesz - inside)
      return adze_elf_image_read (image, what, segment->p_offset + inside, into, size);
  }
  return adze_elf_image_contradiction (
      image, "%s (%zu bytes at address %#" PRIx64 ") lies in no segment", what, size, address);
}

adze_error *
adze_elf_image_table (const adze_elf_image *image, const char *what, uint64_t address,
                      uint64_t count, size_t element, char **table)
{
  if (count > TABLE_MAX / element || count * element > image->size)
    return adze_elf_image_contradiction (
        image, "%s has %" PRIu64 " entries, more than fit into the file", what, count);
  size_t size = (size_t)count * element;
  ADZE_AUTO_FREE char *fresh = malloc (size + 1);
  if (!fresh)
    return adze_error_memory ();
  ADZE_TRY (adze_elf_image_at (image, what, address, fresh, size));
  fresh[size] = '\0';
  *table = adze_take (&fresh);
  return NULL;
}

/* ---- What kind of file it is. */

/* What people give us by mistake, by how it begins. */
static const struct {
  const char *start;
  size_t size;
  const char *found;
  const char *hint;
} strangers[] = {
  { "!<arch>\n", 8, "a static library (.a)",
    "plugins are shared objects: link it with -shared, or link it into a program" },
  { "# ", 2, "a text, perhaps libtool's .la file", "name the .so; libtool keeps it in .libs/" },
  { "#!", 2, "a script", "name the shared object" },
  { "MZ", 2, "a Windows program or DLL", "build it for this system" },
  { "\xcf\xfa\xed\xfe", 4, "a macOS library", "build it for this system" },
  { "\xca\xfe\xba\xbe", 4, "a macOS library", "build it for this system" },
  { "BC\xc0\xde", 4, "LLVM bitcode", "link it with -shared" },
  { "\x1f\x8b", 2, "a compressed file (gzip)", "unpack it first" },
  { "PK\x03\x04", 4, "an archive (zip)", "unpack it first" },
};

static adze_error *
not_elf (const adze_elf_image *image, const char *start, size_t size)
{
  char bytes[64];
  snprintf (bytes, sizeof bytes, "a file that begins with the bytes %02x %02x %02x %02x",
            (unsigned char)start[0], (unsigned char)start[1], (unsigned char)start[2],
            (unsigned char)start[3]);
  const char *found = size == 0 ? "an empty file" : bytes;
  const char *hint = "name the shared object (.so) that the build made";
  for (size_t i = 0; i < ADZE_COUNT_OF (strangers); i++)
    if (size >= strangers[i].size && memcmp (start, strangers[i].start, strangers[i].size) == 0) {
      found = strangers[i].found;
      hint = strangers[i].hint;
      break;
    }
  return adze_refusal_facts (
      adze_refusal (ADZE_E_FORMAT, ADZE_STEP_ELF, image->path, "it is not an ELF file"),
      "an ELF shared object", found, hint);
}

static adze_error *
check_kind (const adze_elf_image *image)
{
  /* The machine's number lies at one place in both classes, in the file's own byte order. */
  unsigned char start[EI_NIDENT + 4] = { 0 };
  size_t size = image->size < sizeof start ? (size_t)image->size : sizeof start;
  ADZE_TRY (adze_elf_image_read (image, "its start", 0, start, size));
  if (size < SELFMAG || memcmp (start, ELFMAG, SELFMAG) != 0)
    return not_elf (image, (const char *)start, size);
  if (size < sizeof start)
    return cut_short (image, "the ELF header", sizeof (ElfW (Ehdr)));
  if ((start[EI_CLASS] != ELFCLASS32 && start[EI_CLASS] != ELFCLASS64)
      || (start[EI_DATA] != ELFDATA2LSB && start[EI_DATA] != ELFDATA2MSB))
    return adze_elf_image_contradiction (image, "class %u and byte order %u do not exist",
                                         start[EI_CLASS], start[EI_DATA]);
  bool little = start[EI_DATA] == ELFDATA2LSB;
  uint16_t machine = (uint16_t)(start[little ? 18 : 19] | start[little ? 19 : 18] << 8);
  const unsigned char *own = __ehdr_start.e_ident;
  if (start[EI_CLASS] == own[EI_CLASS] && start[EI_DATA] == own[EI_DATA]
      && machine == __ehdr_start.e_machine)
    return NULL;
  char needed[ADZE_ELF_KIND_TEXT], found[ADZE_ELF_KIND_TEXT];
  adze_elf_own_kind (needed);
  kind_text (start, machine, found);
  adze_error *refusal = adze_refusal_facts (
      adze_refusal (ADZE_E_UNSUPPORTED, ADZE_STEP_ELF, image->path, "it is for another machine"),
      needed, found, "take the file that was made for this machine, or build it here");
  adze_error_set (refusal, "machine", found);
  return refusal;
}

static const char *
type_text (uint16_t type)
{
  switch (type) {
  case ET_REL:
    return "an object file (.o)";
  case ET_EXEC:
    return "a program";
  case ET_CORE:
    return "a core dump";
  default:
    return "an ELF file of an unknown type";
  }
}

static adze_error *
check_header (adze_elf_image *image, bool program)
{
  ElfW (Ehdr) *header = &image->header;
  ADZE_TRY (adze_elf_image_read (image, "the ELF header", 0, header, sizeof *header));
  if (header->e_type != ET_DYN && !(program && header->e_type == ET_EXEC))
    return adze_refusal_facts (adze_refusal (ADZE_E_UNSUPPORTED, ADZE_STEP_ELF, image->path,
                                             "it is %s, not a shared object",
                                             type_text (header->e_type)),
                               "a shared object (ET_DYN)", type_text (header->e_type),
                               "link it with cc -shared -fPIC");
  unsigned char abi = header->e_ident[EI_OSABI];
  if (header->e_version != EV_CURRENT || header->e_ident[EI_VERSION] != EV_CURRENT)
    return adze_elf_image_contradiction (image, "ELF version %u does not exist",
                                         header->e_version);
  if (abi != ELFOSABI_SYSV && abi != ELFOSABI_GNU && abi != __ehdr_start.e_ident[EI_OSABI])
    return adze_elf_image_contradiction (
        image, "it is for the system with number %u (EI_OSABI), which this one is not", abi);
  return NULL;
}

/* ---- Segments. */

static adze_error *
check_load (const adze_elf_image *image, size_t index, uint64_t *before)
{
  const ElfW (Phdr) *segment = &image->segments[index];
  uint64_t align = segment->p_align;
  uint64_t offset = segment->p_offset, address = segment->p_vaddr;
  if (segment->p_memsz < segment->p_filesz)
    return adze_elf_image_contradiction (
        image, "segment %zu has %" PRIu64 " bytes in the file but %" PRIu64 " in memory", index,
        (uint64_t)segment->p_filesz, (uint64_t)segment->p_memsz);
  if (address > UINTPTR_MAX / 2 || segment->p_memsz > UINTPTR_MAX / 2)
    return adze_elf_image_contradiction (image, "segment %zu does not fit into memory", index);
  if (address < *before)
    return adze_elf_image_contradiction (image, "segment %zu lies on the one before it", index);
  if ((align & (align - 1)) != 0 || (align > 1 && ((offset ^ address) & (align - 1)) != 0))
    return adze_elf_image_contradiction (
        image, "segment %zu is not aligned as it says (%#" PRIx64 ")", index, align);
  *before = address + segment->p_memsz;
  return NULL;
}

static adze_error *
check_segments (const adze_elf_image *image)
{
  uint64_t before = 0;
  size_t loaded = 0;
  for (size_t i = 0; i < image->segment_count; i++) {
    const ElfW (Phdr) *segment = &image->segments[i];
    uint64_t offset = segment->p_offset, size = segment->p_filesz;
    char what[32];
    snprintf (what, sizeof what, "segment %zu", i);
    /* Types that we do not know may mean anything. */
    if (segment->p_type != PT_LOAD && segment->p_type != PT_DYNAMIC && segment->p_type != PT_NOTE
        && segment->p_type != PT_INTERP)
      continue;
    if (offset > UINT64_MAX - size)
      return adze_elf_image_contradiction (image, "%s ends beyond every file", what);
    if (offset + size > image->size)
      return cut_short (image, what, offset + size);
    if (segment->p_type == PT_LOAD) {
      ADZE_TRY (check_load (image, i, &before));
      loaded++;
    }
  }
  if (loaded == 0)
    return adze_elf_image_contradiction (image, "it has nothing to load");
  return NULL;
}

/* Nothing here reads sections, but they are the last thing in a file: when they are not all there,
 * its end is missing. */
static adze_error *
check_sections (const adze_elf_image *image)
{
  const ElfW (Ehdr) *header = &image->header;
  uint64_t offset = header->e_shoff;
  uint64_t size = (uint64_t)(header->e_shnum ? header->e_shnum : 1) * header->e_shentsize;
  if (offset == 0)
    return NULL;
  if (offset > UINT64_MAX - size)
    return adze_elf_image_contradiction (image, "its section headers lie at offset %#" PRIx64,
                                         offset);
  return offset + size > image->size ? cut_short (image, "the section headers", offset + size)
                                     : NULL;
}

adze_error *
adze_elf_image_check (adze_elf_image *image, bool program)
{
  ADZE_TRY (check_kind (image));
  ADZE_TRY (check_header (image, program));
  const ElfW (Ehdr) *header = &image->header;
  if (header->e_phnum == 0 || header->e_phentsize != sizeof (ElfW (Phdr)))
    return adze_elf_image_contradiction (image, "it has %u program headers of %u bytes",
                                         header->e_phnum, header->e_phentsize);
  size_t size = (size_t)header->e_phnum * sizeof (ElfW (Phdr));
  image->segments = malloc (size);
  if (!image->segments)
    return adze_error_memory ();
  ADZE_TRY (
      adze_elf_image_read (image, "the program headers", header->e_phoff, image->segments, size));
  image->segment_count = header->e_phnum;
  ADZE_TRY (check_segments (image));
  return check_sections (image);
}
