// SPDX-License-Identifier: MIT
// The Linux x86 boot protocol (Documentation/arch/x86/boot.rst of Linux): the 64-bit entry, the 32-bit one for kernels
// that have no other, and the setup code in real mode for old ones and for programs that only look like a kernel (iPXE,
// memdisk).
#include <asm/bootparam.h>
#include <linux/screen_info.h>
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/c/strtol.h"
#include "vmm-user/load/load.h"

#define HEADER_MAGIC     0x53726448u // "HdrS"
#define HEADER_AT        0x1f1       // of struct setup_header in the file and in the zero page
#define PROTOCOL_MIN     0x0202      // cmd_line_ptr is there
#define PROTOCOL_INITRD  0x0203      // initrd_addr_max is there
#define PROTOCOL_32      0x0206      // cmdline_size is there; from here on kernels do without their setup code
#define PROTOCOL_XLOAD   0x020c      // xloadflags is there
#define PROTOCOL_RELOC   0x020a      // pref_address and init_size are there
#define LOADER_UNDEFINED 0xff
#define ENTRY_64         0x200 // from the start of the protected-mode kernel
#define VGA_VBE_FIRST    0x300 // vga= 200h more than the mode's number
#define VGA_VBE_LAST     0x3ff
#define VGA_VBE_OFFSET   0x200
#define VGA_NORMAL       0xffff
#define VGA_EXTENDED     0xfffe
#define VGA_ASK          0xfffd
#define EGA_COLOUR       3 // INT 10h AH=12h BL=10h: colour, 256 KiB
#define LFB_SIZE_SHIFT   16
#define INITRD_MAX_OLD   0x37ffffff
#define CMDLINE_MAX_OLD  255
#define HIGH             0x100000
#define SETUP_MAX        0x8000 // bytes of setup code; above it in its segment the heap, then the stack
#define SETUP_STACK      0xe000
#define SETUP_ENTRY      0x200

struct linux_image {
    struct setup_header hdr;
    uint64_t setup_size;
    bool real_mode;      // its setup code has to run, on the firmware
    const uint8_t *code; // the protected-mode kernel
    uint64_t code_size;
    uint64_t load, end; // where it goes; end includes what it needs to unpack itself
};

// The header may be shorter than ours: byte 201h says where it ends.
static size_t header_size(const struct load_file *file)
{
    size_t size = sizeof(struct setup_header), have = file->data[0x201] + 0x202u - HEADER_AT;
    if (size > have)
        size = have;
    return size > file->size - HEADER_AT ? file->size - HEADER_AT : size;
}

static void header_read(const struct load_file *file, struct setup_header *hdr)
{
    memset(hdr, 0, sizeof(*hdr));
    memcpy(hdr, file->data + HEADER_AT, header_size(file));
    if (hdr->version < PROTOCOL_INITRD)
        hdr->initrd_addr_max = INITRD_MAX_OLD;
    if (hdr->version < PROTOCOL_32)
        hdr->cmdline_size = CMDLINE_MAX_OLD;
}

bool load_is_linux(const struct load_file *file)
{
    uint32_t magic;
    if (file->size < 0x260)
        return false;
    memcpy(&magic, file->data + 0x202, sizeof(magic));
    return magic == HEADER_MAGIC && file->data[0x1fe] == 0x55 && file->data[0x1ff] == 0xaa;
}

// The value of an option that the boot loader heeds (boot.rst, "Special Command Line Options"): the last one's; NULL =
// there is none.
static const char *option(const char *append, const char *name)
{
    const char *value = NULL;
    for (const char *word = append; *word; word += strcspn(word, " ")) {
        word += strspn(word, " ");
        if (strncmp(word, name, strlen(name)) == 0)
            value = word + strlen(name);
    }
    return value;
}

// What `vga=` asks of the setup code.
static uint16_t vga_option(const char *append)
{
    const char *value = option(append, "vga=");
    if (!value)
        return VGA_NORMAL;
    char *end;
    unsigned long number = strtoul(value, &end, 0);
    return strncmp(value, "ask", 3) == 0     ? VGA_ASK
           : strncmp(value, "ext", 3) == 0   ? VGA_EXTENDED
           : end > value && number < VGA_ASK ? (uint16_t)number
                                             : VGA_NORMAL;
}

// Where `mem=` says that memory ends.
static uint64_t mem_option(const char *append)
{
    static const char units[] = "kmgtpe";
    const char *value = option(append, "mem=");
    char *end;
    uint64_t number = value ? strtoull(value, &end, 0) : 0;
    if (!number)
        return UINT64_MAX;
    const char *unit = *end ? strchr(units, *end | 0x20) : NULL;
    unsigned shift = unit && *unit ? 10 * (unsigned)(unit - units + 1) : 0;
    return number << shift >> shift == number ? number << shift : UINT64_MAX;
}

uint16_t load_linux_graphics(const char *append)
{
    uint16_t mode = vga_option(append);
    return mode >= VGA_VBE_FIRST && mode <= VGA_VBE_LAST ? mode - VGA_VBE_OFFSET : 0;
}

// Its setup code has to run: in old kernels always, else for a text mode, of which it alone has the list and the
// numbers.
static bool needs_setup(const struct setup_header *hdr, const char *append)
{
    return hdr->version < PROTOCOL_32 || (hdr->version < PROTOCOL_RELOC && hdr->code32_start != HIGH) ||
           (vga_option(append) != VGA_NORMAL && !load_linux_graphics(append));
}

static bool image_check(const struct load_file *file, const char *append, struct linux_image *image, char *error)
{
    header_read(file, &image->hdr);
    const struct setup_header *hdr = &image->hdr;
    if (hdr->version < PROTOCOL_MIN) {
        snprintf(error, LOAD_ERROR, "%s: boot protocol %u.%02u at offset 0x206 is too old: 2.02 is needed", file->name,
                 hdr->version >> 8, hdr->version & 0xff);
        return false;
    }
    if (!(hdr->loadflags & LOADED_HIGH)) {
        snprintf(error, LOAD_ERROR,
                 "%s: a zImage that loads low (loadflags at offset 0x211): only bzImage is supported", file->name);
        return false;
    }
    uint64_t setup = ((hdr->setup_sects ? hdr->setup_sects : 4) + 1) * 512ull;
    if (setup >= file->size) {
        snprintf(error, LOAD_ERROR,
                 "%s: cut off: setup_sects at offset 0x1f1 says %llu bytes of setup, the file has %zu", file->name,
                 (unsigned long long)setup, file->size);
        return false;
    }
    image->real_mode = needs_setup(hdr, append);
    if (image->real_mode && setup > SETUP_MAX) {
        snprintf(error, LOAD_ERROR, "%s: setup_sects at offset 0x1f1 says %llu bytes of setup code, %u is the most",
                 file->name, (unsigned long long)setup, SETUP_MAX);
        return false;
    }
    image->setup_size = setup;
    image->code = file->data + setup;
    image->code_size = file->size - setup;
    uint64_t wanted = hdr->syssize * 16ull;
    if (wanted > image->code_size + 15) {
        snprintf(error, LOAD_ERROR, "%s: cut off: syssize at offset 0x1f4 says %llu bytes, %llu are there", file->name,
                 (unsigned long long)wanted, (unsigned long long)image->code_size);
        return false;
    }
    return true;
}

static bool image_fits(const struct guest_mem *mem, const struct linux_image *image, uint64_t at, uint64_t size)
{
    return at >= 0x100000 && at < mem->low_size && size <= mem->low_size - at && at <= UINT32_MAX - image->code_size;
}

// Where the kernel runs. It could be loaded elsewhere, but one below this address moves itself there before it unpacks:
// it needs that memory in any case (boot.rst, pref_address and init_size).
static bool image_place(const struct guest_mem *mem, const struct load_file *file, struct linux_image *image,
                        char *error)
{
    const struct setup_header *hdr = &image->hdr;
    uint64_t size = image->code_size;
    uint64_t at = image->real_mode ? HIGH : hdr->code32_start;
    if (hdr->version >= PROTOCOL_RELOC) {
        if (hdr->init_size > size)
            size = hdr->init_size;
        at = hdr->pref_address;
    }
    if (!image_fits(mem, image, at, size)) {
        snprintf(error, LOAD_ERROR, "%s: needs %llu KiB at 0x%llx, the VM's memory ends at 0x%llx: give it more",
                 file->name, (unsigned long long)(size >> 10), (unsigned long long)at,
                 (unsigned long long)mem->low_size);
        return false;
    }
    image->load = at;
    image->end = at + size;
    return true;
}

static bool initrd_place(const struct guest_mem *mem, const struct load_request *request, struct linux_image *image,
                         char *error)
{
    const struct load_file *file = load_initrd(request, error);
    if (!file)
        return false;
    if (!file->size)
        return true;
    uint64_t top = (uint64_t)image->hdr.initrd_addr_max + 1;
    uint64_t limit = mem_option(request->append), size = (file->size + 0xfff) & ~0xfffull;
    bool limited = limit < top && limit < mem->low_size;
    if (limited || top > mem->low_size)
        top = limited ? limit : mem->low_size;
    if (size > top || (top - size) < image->end) {
        snprintf(error, LOAD_ERROR, "%s: its %zu bytes do not fit between the kernel's end 0x%llx and 0x%llx: %s",
                 file->name, file->size, (unsigned long long)image->end, (unsigned long long)top,
                 limited ? "mem= is too small" : "give the VM more memory");
        return false;
    }
    uint64_t at = (top - size) & ~0xfffull;
    memcpy(guest_mem_at(mem, at, file->size), file->data, file->size);
    image->hdr.ramdisk_image = (uint32_t)at;
    image->hdr.ramdisk_size = (uint32_t)file->size;
    return true;
}

static bool cmdline_place(const struct guest_mem *mem, const struct load_request *request, struct linux_image *image,
                          char *error)
{
    size_t length = strlen(request->append);
    if (length > image->hdr.cmdline_size || length >= 0x8000) {
        snprintf(error, LOAD_ERROR, "%s: takes a command line of %u characters at most, this one has %zu",
                 request->kernel.name, image->hdr.cmdline_size, length);
        return false;
    }
    memcpy(guest_mem_at(mem, LOAD_CMDLINE, length + 1), request->append, length + 1);
    image->hdr.cmd_line_ptr = LOAD_CMDLINE;
    return true;
}

// As the setup code would have found it (arch/x86/boot/video*.c).
static void screen_fill(struct screen_info *info, const struct load_screen *screen)
{
    *info = (struct screen_info){.orig_x = screen->column,
                                 .orig_y = screen->row,
                                 .orig_video_mode = screen->mode,
                                 .orig_video_cols = screen->columns,
                                 .orig_video_lines = screen->rows,
                                 .orig_video_points = screen->points,
                                 .orig_video_ega_bx = EGA_COLOUR,
                                 .orig_video_isVGA = 1};
    if (!screen->width)
        return;
    info->orig_video_isVGA = VIDEO_TYPE_VLFB;
    info->lfb_base = screen->base;
    info->lfb_size = screen->size >> LFB_SIZE_SHIFT;
    info->lfb_width = screen->width;
    info->lfb_height = screen->height;
    info->lfb_depth = screen->bits;
    info->lfb_linelength = screen->pitch;
    info->red_size = screen->color[0].size, info->red_pos = screen->color[0].position;
    info->green_size = screen->color[1].size, info->green_pos = screen->color[1].position;
    info->blue_size = screen->color[2].size, info->blue_pos = screen->color[2].position;
    info->rsvd_size = screen->color[3].size, info->rsvd_pos = screen->color[3].position;
    info->pages = 1;
}

static void zero_page_fill(const struct guest_mem *mem, const struct load_request *request,
                           const struct linux_image *image)
{
    struct boot_params *zero = guest_mem_at(mem, LOAD_INFO, sizeof(*zero));
    struct load_region regions[LOAD_REGIONS];
    memset(zero, 0, sizeof(*zero));
    zero->hdr = image->hdr;
    zero->hdr.type_of_loader = LOADER_UNDEFINED;
    zero->hdr.code32_start = (uint32_t)image->load;
    zero->acpi_rsdp_addr = request->rsdp;
    if (request->screen.mode)
        screen_fill(&zero->screen_info, &request->screen);
    zero->alt_mem_k = (uint32_t)((mem->low_size - 0x100000) >> 10);
    zero->e820_entries = (uint8_t)load_memory_map(mem, regions);
    for (unsigned i = 0; i < zero->e820_entries; i++)
        zero->e820_table[i] = (struct boot_e820_entry){regions[i].base, regions[i].size, regions[i].type};
}

// The setup code with what it is to know, and the start in real mode.
static void setup_place(const struct guest_mem *mem, const struct load_request *request, struct linux_image *image,
                        struct load_entry *entry)
{
    uint8_t *to = guest_mem_at(mem, LOAD_INFO, SETUP_STACK);
    image->hdr.type_of_loader = LOADER_UNDEFINED;
    image->hdr.loadflags |= CAN_USE_HEAP;
    image->hdr.heap_end_ptr = SETUP_STACK - SETUP_ENTRY;
    image->hdr.vid_mode = vga_option(request->append);
    if (image->hdr.version >= PROTOCOL_RELOC)
        image->hdr.code32_start = (uint32_t)image->load;
    memcpy(to, request->kernel.data, image->setup_size);
    memcpy(to + HEADER_AT, &image->hdr, header_size(&request->kernel));
    *entry = (struct load_entry){
        .mode = LOAD_MODE_16, .cs = (LOAD_INFO + SETUP_ENTRY) >> 4, .ds = LOAD_INFO >> 4, .rsp = SETUP_STACK};
}

bool load_linux(const struct guest_mem *mem, const struct load_request *request, struct load_entry *entry, char *error)
{
    struct linux_image image = {0};
    if (!image_check(&request->kernel, request->append, &image, error) ||
        !image_place(mem, &request->kernel, &image, error) || !initrd_place(mem, request, &image, error) ||
        !cmdline_place(mem, request, &image, error))
        return false;
    memcpy(guest_mem_at(mem, image.load, image.code_size), image.code, image.code_size);
    if (image.real_mode) {
        setup_place(mem, request, &image, entry);
        return true;
    }
    zero_page_fill(mem, request, &image);
    bool has_64 = image.hdr.version >= PROTOCOL_XLOAD && (image.hdr.xloadflags & XLF_KERNEL_64);
    entry->mode = has_64 ? LOAD_MODE_64 : LOAD_MODE_32;
    entry->rip = image.load + (has_64 ? ENTRY_64 : 0);
    entry->rsi = LOAD_INFO;
    load_tables(mem, entry, LOAD_GDT);
    return true;
}
