// SPDX-License-Identifier: Apache-2.0

// Between the schema's messages and pricing's own types.

import Foundation
import RavioliSchema
import Showroom
import ShowroomContracts

extension VehicleFacts {
    /// Checks every field.
    ///
    /// - Throws: `ValidationError` with a path under `facts` for each field that is wrong.
    func validate() throws(ValidationError) {
        var validation = Validation()
        validation.require(length: CarLimits.nameLengths, of: make, "facts.make")
        validation.require(length: CarLimits.nameLengths, of: model, "facts.model")
        validation.require(Int(modelYear), in: CarLimits.modelYears, "facts.model_year")
        validation.require(Int(mileage), in: CarLimits.mileages, "facts.mileage")
        try validation.check()
    }
}

extension Valuation {
    init(_ appraisal: Appraisal) {
        self.init(
            median: Money(minor: appraisal.medianMinor), low: Money(minor: appraisal.lowMinor),
            high: Money(minor: appraisal.highMinor),
            confidence: Confidence(rawValue: Int32(appraisal.confidence.rawValue)),
            comparableCount: Int32(clamping: appraisal.comparables.count),
            comparables: appraisal.comparables.prefix(PricingLimits.comparablesShownMax).map(
                ComparableVehicle.init))
    }
}

extension ComparableVehicle {
    init(_ adjusted: Appraisal.AdjustedCar) {
        self.init(
            vin: adjusted.car.vin, modelYear: Int32(clamping: adjusted.car.modelYear),
            mileage: Int32(clamping: adjusted.car.mileage), price: Money(minor: adjusted.car.priceMinor),
            adjustedPrice: Money(minor: adjusted.adjustedMinor))
    }
}

extension Money {
    /// An amount in the shop's currency.
    fileprivate init(minor: Int64) {
        self.init(minorUnits: minor, currency: Amount.shopCurrency)
    }
}

extension Quotation.Order {
    init(_ request: CreateQuoteRequest) {
        self.init(
            requestID: request.requestId, vin: request.vin, customer: request.customer,
            validity: request.validity.map(Duration.init))
    }
}

extension Quote {
    /// The quotation as callers see it at this time.
    init(_ quotation: Quotation, at now: Date) {
        self.init(
            quoteId: quotation.quoteID, vin: quotation.order.vin, customer: quotation.order.customer,
            price: Money(minorUnits: quotation.price.minorUnits, currency: quotation.price.currency),
            vehicleVersion: quotation.vehicleVersion,
            createdAt: Google_Protobuf_Timestamp(quotation.createdAt),
            expiresAt: Google_Protobuf_Timestamp(quotation.expiresAt), expired: quotation.isExpired(at: now))
    }
}
