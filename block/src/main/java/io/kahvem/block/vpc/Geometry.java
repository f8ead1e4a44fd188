package io.kahvem.block.vpc;

/// Cylinders, heads and sectors, as BIOSes know a disk.
record Geometry(int cylinders, int heads, int sectors) {
    /// What says that the size counts instead.
    static final Geometry MOST = new Geometry(65_535, 16, 255);

    long total() {
        return (long) cylinders * heads * sectors;
    }

    /// The specification's own calculation (its appendix): what it returns may hold fewer sectors than asked for.
    static Geometry near(long totalSectors) {
        long total = Math.min(totalSectors, MOST.total());
        int sectors = 255;
        int heads = 16;
        long tracks = total / sectors;
        if (total < 65_535L * 16 * 63) {
            sectors = 17;
            tracks = total / sectors;
            heads = (int) Math.max(4, (tracks + 1023) / 1024);
            if (tracks >= heads * 1024L || heads > 16) {
                sectors = 31;
                heads = 16;
                tracks = total / sectors;
            }
            if (tracks >= heads * 1024L) {
                sectors = 63;
                heads = 16;
                tracks = total / sectors;
            }
        }
        return new Geometry((int) (tracks / heads), heads, sectors);
    }

    /// The smallest one that holds as many sectors.
    static Geometry atLeast(long totalSectors) {
        if (totalSectors >= MOST.total()) return MOST;
        Geometry geometry = near(totalSectors);
        for (long more = 1; geometry.total() < totalSectors; more++) geometry = near(totalSectors + more);
        return geometry;
    }
}
