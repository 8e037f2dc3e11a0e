// SPDX-License-Identifier: MIT
// The devices of the VM's PC that do not announce themselves. Addresses as in include/pc.
DefinitionBlock ("", "DSDT", 2, "MICA  ", "MICAPC  ", 1)
{
    Name (\_S3, Package () { 1, 1, 0, 0 })
    Name (\_S5, Package () { 5, 5, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xff, 0, 0x100)
                IO (Decode16, 0xcf8, 0xcf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0, 0xcf7, 0, 0xcf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0xd00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite, 0, 0xa0000,
                             0xbffff, 0, 0x20000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite, 0, 0xc0000000,
                             0xfebfffff, 0, 0x3ec00000)
            })
            // INTA-INTD of each slot at pins 16-19 of the I/O APIC, turned by the slot's number.
            Name (_PRT, Package ()
            {
                Package () { 0x0001ffff, 0, 0, 17 }, Package () { 0x0001ffff, 1, 0, 18 },
                Package () { 0x0001ffff, 2, 0, 19 }, Package () { 0x0001ffff, 3, 0, 16 },
                Package () { 0x0002ffff, 0, 0, 18 }, Package () { 0x0002ffff, 1, 0, 19 },
                Package () { 0x0002ffff, 2, 0, 16 }, Package () { 0x0002ffff, 3, 0, 17 },
                Package () { 0x0003ffff, 0, 0, 19 }, Package () { 0x0003ffff, 1, 0, 16 },
                Package () { 0x0003ffff, 2, 0, 17 }, Package () { 0x0003ffff, 3, 0, 18 },
                Package () { 0x0004ffff, 0, 0, 16 }, Package () { 0x0004ffff, 1, 0, 17 },
                Package () { 0x0004ffff, 2, 0, 18 }, Package () { 0x0004ffff, 3, 0, 19 },
            })
        }

        Device (PIC)
        {
            Name (_HID, EisaId ("PNP0000"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x20, 0x20, 1, 2)
                IO (Decode16, 0xa0, 0xa0, 1, 2)
                IO (Decode16, 0x4d0, 0x4d0, 1, 2)
                IRQNoFlags () {2}
            })
        }

        Device (TMR)
        {
            Name (_HID, EisaId ("PNP0100"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x40, 0x40, 1, 4)
                IRQNoFlags () {0}
            })
        }

        Device (RTC)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x70, 0x70, 1, 2)
                IRQNoFlags () {8}
            })
        }

        Device (SPKR)
        {
            Name (_HID, EisaId ("PNP0800"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x61, 0x61, 1, 1)
            })
        }

        Device (KBD)
        {
            Name (_HID, EisaId ("PNP0303"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x60, 0x60, 1, 1)
                IO (Decode16, 0x64, 0x64, 1, 1)
                IRQNoFlags () {1}
            })
        }

        Device (MOU)
        {
            Name (_HID, EisaId ("PNP0F13"))
            Name (_CRS, ResourceTemplate ()
            {
                IRQNoFlags () {12}
            })
        }

        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x3f8, 0x3f8, 1, 8)
                IRQNoFlags () {4}
            })
        }
    }
}
