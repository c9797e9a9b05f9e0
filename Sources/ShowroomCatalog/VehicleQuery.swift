// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Showroom

import struct Foundation.Date

/// What a search looks for, and in which order it shows what it finds.
package struct VehicleQuery: Sendable, Hashable {
    package var make = ""
    package var model = ""
    package var minPrice: Amount?
    package var maxPrice: Amount?
    package var minModelYear: Int?
    package var maxModelYear: Int?
    package var maxMileage: Int?
    package var bodyClasses: [VehicleFacts.BodyClass] = []
    package var onlyAvailable = false
    package var text = ""
    package var order = Order.newestFirst

    package init() {}

    /// The orders in which a search can be paged through.
    package enum Order: Int, Sendable, CaseIterable {
        case newestFirst = 1
        case priceAscending, priceDescending, modelYearDescending, mileageAscending
    }

    /// Checks every field.
    ///
    /// - Throws: `ValidationError` for each field that is wrong.
    package func validate() throws(ValidationError) {
        var validation = Validation()
        validation.require(length: 0...CarLimits.nameLengths.upperBound, of: make, "make")
        validation.require(length: 0...CarLimits.nameLengths.upperBound, of: model, "model")
        for (bound, field) in [(minPrice, "min_price"), (maxPrice, "max_price")] {
            guard let bound else { continue }
            validation.require(
                bound.currency == Amount.shopCurrency, "\(field).currency", "must be \(Amount.shopCurrency)")
        }
        validation.require(length: CatalogLimits.textLengths, of: text, "text")
        validation.require(text.isEmpty || pattern != nil, "text", "holds no word to search for")
        try validation.check()
    }

    /// Tells two queries apart that find different vehicles or show them in another order.
    package var fingerprint: Fingerprint {
        var fingerprint = Fingerprint()
        fingerprint.add(make)
        fingerprint.add(model)
        fingerprint.add(minPrice?.minorUnits)
        fingerprint.add(maxPrice?.minorUnits)
        fingerprint.add(minModelYear.map(Int64.init))
        fingerprint.add(maxModelYear.map(Int64.init))
        fingerprint.add(maxMileage.map(Int64.init))
        fingerprint.add(Int64(bodyClasses.count))
        for bodyClass in bodyClasses {
            fingerprint.add(Int64(bodyClass.rawValue))
        }
        fingerprint.add(onlyAvailable ? 1 : 0 as Int64)
        fingerprint.add(text)
        fingerprint.add(Int64(order.rawValue))
        return fingerprint
    }

    /// The free text in the language of SQLite's full-text search: every word must occur, as a word or as the
    /// beginning of one. `nil` if there is no word in it.
    ///
    /// Only letters and digits get through, and those in quotes, so nothing that a caller types means
    /// anything in that language. GRDB's `FTS5Pattern` does the same by opening a database in memory for each
    /// pattern.
    private var pattern: String? {
        let words = text.split { !$0.isLetter && !$0.isNumber }
        return words.isEmpty ? nil : words.map { "\"\($0)\"*" }.joined(separator: " ")
    }
}

// MARK: SQL

extension VehicleQuery {
    /// Selects the vehicles after `token`, or from the first one, in the query's order.
    func page(after token: PageToken?, limit: Int, at now: Date) -> SQL {
        let after = token.map { [self.after($0)] } ?? []
        let conditions = (conditions(at: now) + after).joined(separator: " AND ")
        return "SELECT * FROM vehicle WHERE \(conditions) ORDER BY \(sql: order.terms) LIMIT \(limit)"
    }

    /// Counts the vehicles on all pages.
    func count(at now: Date) -> SQL {
        "SELECT COUNT(*) FROM vehicle WHERE \(conditions(at: now).joined(separator: " AND "))"
    }

    private func after(_ token: PageToken) -> SQL {
        guard let column = order.column else { return "id < \(token.rowID)" }
        let comparison = order.isDescending ? "<" : ">"
        return "(\(sql: column), id) \(sql: comparison) (\(token.key), \(token.rowID))"
    }

    private func conditions(at now: Date) -> [SQL] {
        var conditions: [SQL] = ["TRUE"]
        if !make.isEmpty { conditions.append("make = \(make)") }
        if !model.isEmpty { conditions.append("model = \(model)") }
        if let minPrice { conditions.append("price_minor >= \(minPrice.minorUnits)") }
        if let maxPrice { conditions.append("price_minor <= \(maxPrice.minorUnits)") }
        if let minModelYear { conditions.append("model_year >= \(minModelYear)") }
        if let maxModelYear { conditions.append("model_year <= \(maxModelYear)") }
        if let maxMileage { conditions.append("mileage <= \(maxMileage)") }
        if !bodyClasses.isEmpty { conditions.append("body_class IN \(bodyClasses.map(\.rawValue))") }
        if onlyAvailable { conditions.append("coalesce(held_until_ms, 0) <= \(now.milliseconds)") }
        if let pattern {
            conditions.append("id IN (SELECT rowid FROM vehicle_text WHERE vehicle_text MATCH \(pattern))")
        }
        return conditions
    }
}

extension VehicleQuery.Order {
    /// The column to sort by before the row id; `nil` to sort by the row id alone.
    var column: String? {
        switch self {
        case .newestFirst: nil
        case .priceAscending, .priceDescending: "price_minor"
        case .modelYearDescending: "model_year"
        case .mileageAscending: "mileage"
        }
    }

    var isDescending: Bool {
        switch self {
        case .newestFirst, .priceDescending, .modelYearDescending: true
        case .priceAscending, .mileageAscending: false
        }
    }

    /// What follows `ORDER BY`. Both terms run the same way, so that an index serves them both.
    var terms: String {
        let direction = isDescending ? "DESC" : "ASC"
        return [column, "id"].compactMap { $0.map { "\($0) \(direction)" } }.joined(separator: ", ")
    }

    /// Where a page that ends with this vehicle ended.
    func token(after vehicle: StockedVehicle) -> PageToken {
        let key: Int64 =
            switch self {
            case .newestFirst: 0
            case .priceAscending, .priceDescending: vehicle.facts.price.minorUnits
            case .modelYearDescending: Int64(vehicle.facts.modelYear)
            case .mileageAscending: Int64(vehicle.facts.mileage)
            }
        return PageToken(key: key, rowID: vehicle.id)
    }
}
